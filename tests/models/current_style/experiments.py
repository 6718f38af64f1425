"""The protocol, by name, so that `experiments.gratings.num_trials` can be overridden."""

from collections import OrderedDict

from mozaik.experiments import *
from mozaik.experiments.vision import *
from parameters import ParameterSet


def create_experiments(model):
    """Return class and parameters of every experiment, in their order."""
    return OrderedDict(
        [
            ("spontaneous", (NoStimulation, ParameterSet({"duration": 1001.0}))),
            (
                "gratings",
                (
                    MeasureOrientationTuningFullfield,
                    ParameterSet(
                        {
                            "num_orientations": 2,
                            "spatial_frequency": 0.8,
                            "temporal_frequency": 2,
                            "grating_duration": 1001,
                            "contrasts": [30, 100],
                            "num_trials": 2,
                            "shuffle_stimuli": True,
                        }
                    ),
                ),
            ),
        ]
    )


def create_experiments_of_one(model, name, trials):
    """Return one of them, for tests by hand."""
    return OrderedDict([(name, create_experiments(model)[name])])
