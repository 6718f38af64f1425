"""How one offspring is simulated."""

from orchestrator.simulations.base import (
    Finding,
    Identity,
    ModelUnreadable,
    Recorded,
    Simulation,
    SimulationFailed,
    create_simulation,
    digests,
    simulation_of,
)

__all__ = [
    "Finding",
    "Identity",
    "ModelUnreadable",
    "Recorded",
    "Simulation",
    "SimulationFailed",
    "create_simulation",
    "digests",
    "simulation_of",
]
