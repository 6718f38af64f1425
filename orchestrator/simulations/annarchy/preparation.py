"""The populations are compiled once for all processes of a node: ANNarchy compiles for its own processor."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from orchestrator.paths import AttemptPaths
from orchestrator.simulations.annarchy.options import AnnarchyOptions
from orchestrator.simulations.programs.before import prepared_once
from orchestrator.simulations.programs.importing import module_files
from orchestrator.simulations.programs.options import Before

_PROGRAM = "orchestrator.simulations.annarchy.compiling"


def compiled(options: AnnarchyOptions, model_dir: Path, attempt: AttemptPaths) -> Path:
    """Return the directory in which the populations are compiled, now or by another process of this node.

    Parameters
    ----------
    options : AnnarchyOptions
        The section ``simulation``.
    model_dir : pathlib.Path
        Absolute path of the model.
    attempt : AttemptPaths
        Of the job that needs it; its log has what the compiler says.

    Raises
    ------
    SimulationFailed
        If they cannot be compiled, here or by whoever was waited for.
    """
    command = [sys.executable, "-m", _PROGRAM, _section(options), str(model_dir)]
    models = [reference for reference in (options.neuron_model, options.target_neuron_model) if reference is not None]
    before = Before(
        run=(f"exec {shlex.join(command)}",),  # what it says itself is then the last line of the log
        inputs=tuple(file for reference in models for file in module_files(reference)),
        per="node",
    )
    return prepared_once(before, model_dir, attempt, what="compiling simulation.neuron_model")


def _section(options: AnnarchyOptions) -> str:
    """Return the section without what says nothing of the code, such as the number of neurons."""
    return options.model_copy(update={"population": 1, "files": ()}).common_json()
