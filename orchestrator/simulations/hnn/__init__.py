"""Everything that knows hnn-core; importing it registers the kind of simulation ``hnn``."""

from orchestrator.simulations.hnn.simulation import HNNSimulation

__all__ = ["HNNSimulation"]
