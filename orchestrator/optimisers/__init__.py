"""Ask-and-tell optimisers in the unit cube."""

from orchestrator.optimisers.base import OPTIMISERS, Optimiser, create_optimiser

__all__ = ["OPTIMISERS", "Optimiser", "create_optimiser"]
