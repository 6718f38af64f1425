"""checkpoint.h5: every evaluation of a run, and the optimiser's state by generation.

One HDF5 file (format 2), which h5py and all HDF5 tools read:

- attributes of the file: ``format``, and ``tells``, the number of tells, which are the complete generations;
- group ``run``: the texts ``config`` (YAML), ``parameters`` and ``targets`` (JSON lists of names), ``versions`` (JSON),
  ``described`` (JSON, what those who look need of each target: unit, wanted values; not in files of earlier versions);
- group ``tells/<hundred>/<number>``, such as ``tells/001200/001234``: what the optimiser was told at once.
  ``table`` has one row per evaluation (a compound type: generation, offspring, origin, outcome, ...),
  ``points`` (unit cube), ``parameters``, ``values`` and ``scores`` one row per evaluation and one column per name;
  ``ranked_scores`` likewise where the optimiser was told others than ``scores``, which are capped;
  ``details`` is a JSON list with one object per evaluation (message, end of the log, reasons, versions, seeds);
  the group ``state`` holds the optimiser's arrays, under the names that the method gives. No pickles.

What is in the file is never changed: `orchestrator.checkpoint.image` says how it grows, and why every reader sees a
whole file at any moment and after every crash.
"""

from __future__ import annotations

from orchestrator.checkpoint.history import OLDER_COPY, Checkpoint
from orchestrator.checkpoint.reading import tables_since

__all__ = ["OLDER_COPY", "Checkpoint", "tables_since"]
