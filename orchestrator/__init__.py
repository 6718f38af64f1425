"""SLURM-native optimisation of the parameters of large spiking-network models.

A function that is simulated imports from here what it returns or raises::

    from orchestrator import Events, Exploded, NoValue, Trace
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from targets.errors import Exploded, NoValue
    from targets.recordings import Events, Trace

__version__: str
__all__ = ["Events", "Exploded", "NoValue", "Trace", "__version__"]


def __getattr__(name: str) -> object:
    """Look up the version, and what functions use, where it is asked for: that takes longer than many commands take."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name != "__version__":
        import targets  # noqa: PLC0415

        found: object = getattr(targets, name)
        return found
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("mozaik-orchestrator")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"
