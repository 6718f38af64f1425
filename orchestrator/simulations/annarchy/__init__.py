"""Everything that knows ANNarchy and CompNeuroPy; importing it registers the kind of simulation ``annarchy``."""

from orchestrator.simulations.annarchy.simulation import AnnarchySimulation

__all__ = ["AnnarchySimulation"]
