"""SLURM-native optimisation of the parameters of large spiking-network models.

From a script or a notebook::

    import orchestrator
    from cell import simulate

    run = orchestrator.optimise(simulate, {"drive": (0, 2)}, {"rate": 20}, executor="local", max_evaluations=100)
    print(run.best.parameters)

A function that is simulated imports from here what it returns or raises::

    from orchestrator import Events, Exploded, NoValue, Trace
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.api import Figures, Run, optimise
    from orchestrator.checkpoint import Checkpoint
    from orchestrator.errors import ConfigError, OrchestratorError, RunFailed, Stopped, UsageError
    from orchestrator.reevaluation.choosing import Candidate
    from orchestrator.reevaluation.front import Front
    from orchestrator.report.scene import Figure
    from orchestrator.status import RunStatus
    from targets.errors import Exploded, NoValue
    from targets.recordings import Events, Trace

__version__: str
__all__ = [
    "Candidate",
    "Checkpoint",
    "ConfigError",
    "Events",
    "Exploded",
    "Figure",
    "Figures",
    "Front",
    "NoValue",
    "OrchestratorError",
    "Run",
    "RunFailed",
    "RunStatus",
    "Stopped",
    "Trace",
    "UsageError",
    "__version__",
    "optimise",
]

# where the names are that functions do not use; a job imports none of it
_PLACES = {
    "orchestrator.api": ("Figures", "Run", "optimise"),
    "orchestrator.checkpoint": ("Checkpoint",),
    "orchestrator.errors": ("ConfigError", "OrchestratorError", "RunFailed", "Stopped", "UsageError"),
    "orchestrator.reevaluation.choosing": ("Candidate",),
    "orchestrator.reevaluation.front": ("Front",),
    "orchestrator.report.scene": ("Figure",),
    "orchestrator.status": ("RunStatus",),
}


def __getattr__(name: str) -> object:
    """Look up what is exported where it is asked for: that takes longer than many commands take."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name != "__version__":
        from importlib import import_module  # noqa: PLC0415

        place = next((each for each, names in _PLACES.items() if name in names), "targets")
        found: object = getattr(import_module(place), name)
        return found
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("mozaik-orchestrator")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"


def __dir__() -> list[str]:
    """Return the public names, which are completed at a prompt."""
    return sorted(__all__)
