"""A function that is called in another Python, with shell lines before it, or as several processes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping

from orchestrator.files import write_json
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.programs import runner
from orchestrator.simulations.programs.launching import PARAMETERS_FILE, Launch
from orchestrator.simulations.programs.options import FunctionOptions


def is_elsewhere(options: FunctionOptions, context: SimulationContext) -> bool:
    """Return whether a function needs a process of its own."""
    alone = options.python or options.setup or options.threads or options.environment
    return bool(alone or context.launcher_for(options.launcher))


def calling_script(launch: Launch, options: FunctionOptions) -> str:
    """Return the script that calls a function."""
    python = options.python or shlex.quote(sys.executable)
    place = (launch.model_dir, launch.directory, launch.attempt.progress)
    arguments = shlex.join([runner.__file__, options.function, *map(str, place)])
    return launch.script([f"exec {launch.launcher} {python} -u {arguments}"], options.environment)


def call_elsewhere(launch: Launch, options: FunctionOptions, parameters: Mapping[str, float | int]) -> None:
    """Call a function, which leaves in its directory what `targets.recordings.file.left_in` reads.

    Parameters
    ----------
    launch : Launch
        Where; its directory exists.
    options : FunctionOptions
        Its options.
    parameters : mapping of str to float or int
        What the function gets.

    Raises
    ------
    SimulationFailed
        If the function cannot be imported, raises, or is killed.
    """
    write_json(launch.directory / PARAMETERS_FILE, parameters)
    launch.run(calling_script(launch, options))
