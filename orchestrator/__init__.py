"""SLURM-native optimisation of the parameters of large spiking-network models."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mozaik-orchestrator")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
