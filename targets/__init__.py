"""Values of a simulation's recordings, and how far they are from the ones that are wanted.

The package reads mozaik results directories without mozaik and without executing anything in them, and needs numpy
and pydantic only:

>>> from targets import Datastore, create_targets, measure
>>> targets = create_targets([{"class": "SpontActivityTarget", "sheet_name": "Exc_Layer",
...                            "target_value": [1, 5], "norm": 2}])
>>> measurements = measure(targets, Datastore("results/Model_run_____"))  # doctest: +SKIP
>>> scores = [t.score(m.value) for t, m in zip(targets, measurements)]  # doctest: +SKIP

A target of your own
--------------------
Write a class in a file of the model directory, say ``my_targets.py``: a kind (`PointTarget`, `RangeTarget`,
`AtLeastTarget` or `AtMostTarget`), a unit, options as pydantic fields, and ``outputs``::

    from pydantic import Field
    from targets import AtMostTarget, Datastore, NoValue

    class SilentShare(AtMostTarget):
        \"\"\"Share of the recorded cells that spike less than ``threshold`` during spontaneous activity.\"\"\"

        unit = "%"
        threshold: float = Field(default=0.1, description="rate below which a cell is silent, Hz")

        def outputs(self, recordings: Datastore) -> float:
            spontaneous = recordings.spontaneous(self.sheet_name)
            if not spontaneous:
                raise NoValue("no spontaneous activity recorded")
            return 100 * (spontaneous[0].spikes().rates() < self.threshold).mean()

and name it in the config::

    targets:
      - {class: "my_targets.py:SilentShare", sheet_name: Exc_Layer, target_value: 10, norm: 5, threshold: 0.05}
"""

from targets.base import (
    AtLeastTarget,
    AtMostTarget,
    IntervalTarget,
    PointTarget,
    RangeTarget,
    Target,
    UnfitData,
    Unmeasurable,
)
from targets.conductance import ConductanceRatio
from targets.datastore import Datastore
from targets.errors import DatastoreError, Exploded, NoValue
from targets.measuring import Measurement, ScoreError, measure, ranked_score_of, score_of
from targets.modulation import ModulationRatio
from targets.needs import Located, Needs, Presented, Recorded
from targets.numbers import as_number
from targets.orientation import (
    OrientationTuningOrthoHighTarget,
    OrientationTuningOrthoLowTarget,
    OrientationTuningPreferenceTarget,
)
from targets.recordings import Events, Recordings, Trace
from targets.registry import TargetError, TargetProblem, create_targets, known_targets, target
from targets.returned import ReturnedValue, ReturnedValueAtLeast, ReturnedValueAtMost, ReturnedValueRange
from targets.segment import Segment
from targets.size import SizeTuning
from targets.spikes import SpikeTrains
from targets.spontaneous import IrregularityTarget, SpontActivityTarget, SynchronyTarget

__all__ = [
    "AtLeastTarget",
    "AtMostTarget",
    "ConductanceRatio",
    "Datastore",
    "DatastoreError",
    "Events",
    "Exploded",
    "IntervalTarget",
    "IrregularityTarget",
    "Located",
    "Measurement",
    "ModulationRatio",
    "Needs",
    "NoValue",
    "OrientationTuningOrthoHighTarget",
    "OrientationTuningOrthoLowTarget",
    "OrientationTuningPreferenceTarget",
    "PointTarget",
    "Presented",
    "RangeTarget",
    "Recorded",
    "Recordings",
    "ReturnedValue",
    "ReturnedValueAtLeast",
    "ReturnedValueAtMost",
    "ReturnedValueRange",
    "ScoreError",
    "Segment",
    "SizeTuning",
    "SpikeTrains",
    "SpontActivityTarget",
    "SynchronyTarget",
    "Target",
    "TargetError",
    "TargetProblem",
    "Trace",
    "UnfitData",
    "Unmeasurable",
    "as_number",
    "create_targets",
    "known_targets",
    "measure",
    "ranked_score_of",
    "score_of",
    "target",
]
