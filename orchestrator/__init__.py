"""SLURM-native optimisation of the parameters of large spiking-network models."""

__version__: str
__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    """Look up the version where it is asked for: that takes longer than many commands take."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("mozaik-orchestrator")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"
