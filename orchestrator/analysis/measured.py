"""Measures one datastore in a process of its own: python -m orchestrator.analysis.measured CONFIG DATASTORE OUTPUT.

The memory that it takes can be told so, and a datastore that is too large for the machine does not end the notebook.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.file import load_targets
from orchestrator.errors import OrchestratorError
from orchestrator.files import write_json
from orchestrator.scores.datastores import Score, ScoredDatastore, score_datastores
from targets import Target

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Measured:
    """A scored datastore, and what measuring it took.

    Parameters
    ----------
    scored : ScoredDatastore
        With a reason for each value that is missing.
    seconds : float
        Wall time of reading and measuring.
    memory : float
        Largest resident memory of the process that measured, in bytes; NaN if it did not come to an end.
    """

    scored: ScoredDatastore
    seconds: float = math.nan
    memory: float = math.nan


def measure_apart(datastore: Path, config: Path, targets: Sequence[Target], classes: Sequence[str]) -> Measured:
    """Measure the targets of a configuration in a process of its own.

    Parameters
    ----------
    datastore : pathlib.Path
        A results directory of mozaik.
    config : pathlib.Path
        The configuration file.
    targets, classes : sequence
        Those of the configuration, in its order.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "measured.json")
        command = [sys.executable, "-m", __name__, str(config.resolve()), str(datastore.resolve()), str(output)]
        # away from the model: python -m looks for modules in the working directory first
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not output.is_file():
            words = (done.stderr.strip().splitlines() or ["it left no message"])[-1]
            killed = "it was killed, most likely for want of memory" if done.returncode == -9 else words
            error = f"{datastore}: measuring ended with exit code {done.returncode}: {killed}"
            scores = [Score(target, name, None, error) for target, name in zip(targets, classes, strict=True)]
            return Measured(ScoredDatastore(str(datastore), tuple(scores), error))
        found = json.loads(output.read_text(encoding="utf-8"))
    scores = [
        Score(target, name, *pair) for target, name, pair in zip(targets, classes, found["measured"], strict=True)
    ]
    scored = ScoredDatastore(str(datastore), tuple(scores), found["error"])
    return Measured(scored, float(found["seconds"]), float(found["memory"]))


def _main(config: str, datastore: str, output: str) -> None:
    wanted = load_targets(Path(config))
    started = time.monotonic()
    (scored,) = score_datastores([Path(datastore)], wanted)
    found = {
        "measured": [(each.value, each.reason) for each in scored.scores],
        "error": scored.error,
        "seconds": time.monotonic() - started,
        "memory": _peak_memory(),
    }
    write_json(Path(output), found)


def _peak_memory() -> int:
    """Return the largest resident memory of this process in bytes.

    Linux' status file tells that of the program; getrusage would also tell that of the one which started it.
    """
    try:
        lines = _STATUS.read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except OrchestratorError as failure:
        sys.exit(str(failure))
