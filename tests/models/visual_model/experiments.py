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
    return [
        NoStimulation(model, duration=protocol.spontaneous_duration),
        MeasureOrientationTuningFullfield(model, num_orientations=2, contrasts=[10, 100], **grating),
        MeasureSizeTuning(
            model, num_sizes=1, max_size=protocol.disk_radius, orientation=numpy.pi / 2, contrasts=[100], **grating
        ),
    ]
