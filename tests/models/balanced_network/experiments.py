"""The protocol: spontaneous activity, nothing else."""

from mozaik.experiments import NoStimulation


def create_experiments(model):
    """Return the experiments to run on `model`, in their order."""
    return [NoStimulation(model, duration=model.parameters.spontaneous_duration)]
