"""Asks the Python of a simulation's own environment, on this machine, whether it has what a simulation needs."""

from __future__ import annotations

from typing import Any

from orchestrator.cluster.commands import CommandFailed, finish
from orchestrator.simulations import Finding, Model
from orchestrator.simulations.programs.ending import last_line
from orchestrator.simulations.surroundings import Surroundings

# lines of a setup may load modules from a slow file system, in s
_TIMEOUT = 60.0


def surroundings_findings(model: Model[Any]) -> tuple[list[Finding], list[Finding]]:
    """Return what a simulation's own Python lacks, and why it could not be asked, each with the key to fix.

    The lines of ``simulation.setup`` are executed, as in a job; of the model nothing is.
    """
    surroundings = model.surroundings()
    if surroundings is None:
        return [], []
    key = surroundings.key
    try:
        done = finish(["bash", "-c", surroundings.script()], _TIMEOUT)
    except CommandFailed as error:
        return [], [(key, _not_asked(surroundings, str(error)))]
    found = surroundings.found_by(done.stdout)
    if found is None or (done.returncode != 0 and not found.is_old):
        return [], [(key, _not_asked(surroundings, last_line(done.stderr)))]
    if found.is_old and surroundings.at_least is not None:
        wanted = ".".join(map(str, surroundings.at_least))
        message = f"expected Python {wanted} or newer, got {found.version}: name the Python of another environment"
        return [(key, message)], []
    if found.missing:
        message = (
            f"the Python of the simulations, {surroundings.command} (version {found.version}), does not find "
            f"{', '.join(found.missing)}: install that in its environment, or name the Python of another one. If it "
            "is there on nodes only, --on-node tells"
        )
        return [(key, message)], []
    return [], []


def _not_asked(surroundings: Surroundings, why: str) -> str:
    modules = ", ".join(surroundings.modules)
    return f"whether {surroundings.command} finds {modules}: {why}. Let a node try it (--on-node)"
