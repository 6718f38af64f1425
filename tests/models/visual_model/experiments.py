"""The protocol: spontaneous activity, orientation tuning at two contrasts, size tuning with one disk."""

import numpy
from mozaik.experiments import NoStimulation
from mozaik.experiments.vision import MeasureOrientationTuningFullfield, MeasureSizeTuning


def create_experiments(model):
    """Return the experiments to run on `model`, in their order."""
    protocol = model.parameters.protocol
    grating = {
        "spatial_frequency": protocol.spatial_frequency,
        "temporal_frequency": protocol.temporal_frequency,
        "grating_duration": protocol.grating_duration,
        "num_trials": protocol.num_trials,
    }
    experiments = [
        spontaneous(model, protocol.spontaneous_duration, protocol.num_trials),
        MeasureOrientationTuningFullfield(model, num_orientations=2, contrasts=[10, 100], **grating),
        MeasureSizeTuning(
            model, num_sizes=1, max_size=protocol.disk_radius, orientation=numpy.pi / 2, contrasts=[100], **grating
        ),
    ]
    if protocol.shuffle:
        rng = numpy.random.RandomState(model.parameters.pynn_seed)
        for experiment in experiments:
            rng.shuffle(experiment.stimuli)
    return experiments


def spontaneous(model, duration, num_trials):
    """Return NoStimulation of several trials; mozaik's own has one."""
    experiment = NoStimulation(model, duration=duration)
    for trial in range(1, num_trials):
        (stimulus,) = NoStimulation(model, duration=duration).stimuli
        stimulus.trial = trial
        experiment.stimuli.append(stimulus)
    return experiment
