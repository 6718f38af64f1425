"""How one offspring is simulated."""

from orchestrator.simulations.base import Finding, Simulation, SimulationFailed, create_simulation, simulation_of

__all__ = ["Finding", "Simulation", "SimulationFailed", "create_simulation", "simulation_of"]
