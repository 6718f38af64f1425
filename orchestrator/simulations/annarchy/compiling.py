"""Compiles the populations, once for all processes of a node: ``-march=native`` is what ANNarchy compiles with.

``python -m orchestrator.simulations.annarchy.compiling OPTIONS MODEL_DIR``, with the section ``simulation`` as JSON,
compiles in the working directory.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from orchestrator.paths import AttemptPaths
from orchestrator.simulations.annarchy.options import AnnarchyOptions
from orchestrator.simulations.programs.before import prepared
from orchestrator.simulations.programs.importing import module_files
from orchestrator.simulations.programs.options import Before, ProgramOptions


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
    command = [sys.executable, "-m", __name__, _section(options), str(model_dir)]
    models = [reference for reference in (options.neuron_model, options.target_neuron_model) if reference is not None]
    before = Before(
        run=(f"exec {shlex.join(command)}",),  # what it says itself is then the last line of the log
        inputs=tuple(file for reference in models for file in module_files(reference)),
        per="node",
    )
    program = ProgramOptions(type=options.type, before=before)
    found = prepared(program, model_dir, attempt, what="compiling simulation.neuron_model")
    if found is None:
        raise RuntimeError("there is something to prepare")
    return found


def _section(options: AnnarchyOptions) -> str:
    """Return the section without what says nothing of the code, such as the number of neurons."""
    return options.model_copy(update={"population": 1, "files": ()}).common_json()


def main(section: str, model_dir: str) -> None:
    """Compile in the working directory, or end with exit code 1 and the reason as the last line."""
    from orchestrator.simulations.annarchy.loading import Unusable  # noqa: PLC0415  (of this process alone)
    from orchestrator.simulations.annarchy.network import build  # noqa: PLC0415

    try:
        build(AnnarchyOptions.model_validate_json(section), Path(model_dir), Path.cwd())
    except Unusable as error:
        raise SystemExit(f"simulation.{error.key}: {error}") from error


if __name__ == "__main__":
    main(*sys.argv[1:])
