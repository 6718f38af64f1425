"""How one offspring is simulated."""

from orchestrator.simulations.base import (
    Finding,
    Recorded,
    Simulation,
    SimulationFailed,
    create_simulation,
    simulation_of,
)

__all__ = ["Finding", "Recorded", "Simulation", "SimulationFailed", "create_simulation", "simulation_of"]
