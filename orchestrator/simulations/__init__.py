"""How one offspring is simulated: what the controller knows of a model, and what runs on a node."""

from orchestrator.simulations.base import (
    Finding,
    Identity,
    Model,
    ModelUnreadable,
    ParameterFolder,
    RecordingSize,
    Simulation,
    SimulationFailed,
    digests,
)
from orchestrator.simulations.registry import create_simulation, model_of, simulation, simulation_kind

__all__ = [
    "Finding",
    "Identity",
    "Model",
    "ModelUnreadable",
    "ParameterFolder",
    "RecordingSize",
    "Simulation",
    "SimulationFailed",
    "create_simulation",
    "digests",
    "model_of",
    "simulation",
    "simulation_kind",
]
