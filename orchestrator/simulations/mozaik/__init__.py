"""Everything that knows mozaik's files; importing it registers the kind of simulation ``mozaik``."""

from orchestrator.simulations.mozaik.simulation import MozaikSimulation

__all__ = ["MozaikSimulation"]
