"""Ask-and-tell optimisers in the unit cube."""

from orchestrator.optimisers.base import Asked, Optimiser, Problem, Told, Vector
from orchestrator.optimisers.registry import create_optimiser, optimiser, versions_of

__all__ = [
    "Asked",
    "Optimiser",
    "Problem",
    "Told",
    "Vector",
    "create_optimiser",
    "optimiser",
    "versions_of",
]
