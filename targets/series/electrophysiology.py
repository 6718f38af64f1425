"""Features of membrane potentials as eFEL extracts them: spike counts, latencies, widths, adaptation and many more."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, Literal

import numpy as np
from pydantic import Field, FiniteFloat, NonNegativeInt, field_validator

from targets.errors import NoValue
from targets.kinds import of_every_kind
from targets.plugins import nearest
from targets.series.features import TraceFeature
from targets.series.interval import Interval
from targets.series.trace_target import TraceSamples

_NOT_INSTALLED = "eFEL is not installed in {}: pip install 'mozaik-orchestrator[efel]' there"


@of_every_kind("ElectrophysiologyFeature", unit="")
class ElectrophysiologyFeature(TraceFeature):
    """A feature of a membrane potential in mV, under the name that eFEL gives it.

    Such as ``spike_count``, ``time_to_first_spike``, ``AP_amplitude`` or ``AHP_depth_abs``; eFEL's documentation
    describes all of them (https://efel.readthedocs.io/en/latest/eFeatures.html).
    """

    feature: str = Field(min_length=1, description="eFEL's name of the feature")
    stimulus: Interval = Field(description="[from, to], when the current is injected, ms")
    element: Literal["mean", "first", "last"] | NonNegativeInt = Field(
        default="mean", description="which of several values of a feature: mean, first, last, or its number from 0"
    )
    threshold: FiniteFloat = Field(default=-20.0, description="potential above which there is a spike, mV")

    @field_validator("feature")
    @classmethod
    def _can_be_extracted(cls, feature: str) -> str:
        if importlib.util.find_spec("efel") is None:
            raise ValueError(_NOT_INSTALLED.format(sys.prefix))
        import efel  # noqa: PLC0415  (an extra, which takes half a second)

        if feature not in (known := efel.get_feature_names()):
            raise ValueError(f"eFEL has no {feature!r}{nearest(feature, known)}")
        return feature

    @property
    def samples_unit(self) -> str:
        """What eFEL takes."""
        return "mV"

    def _subject(self) -> str | None:
        return self.feature

    def outputs_of(self, samples: TraceSamples) -> float:  # noqa: D102
        import efel  # noqa: PLC0415  (an extra)

        efel.reset()
        efel.set_setting("Threshold", self.threshold)
        start, end = self.stimulus
        trace = {"T": samples.times, "V": samples.values, "stim_start": [start], "stim_end": [end]}
        found: Any = efel.get_feature_values([trace], [self.feature], raise_warnings=False)[0][self.feature]
        if found is None or not len(found):
            raise NoValue(f"eFEL finds no {self.feature} in the trace")
        if self.element == "mean":
            return float(np.mean(found))
        number = {"first": 0, "last": len(found) - 1}.get(str(self.element), self.element)
        if int(number) >= len(found):
            raise NoValue(f"element {number}: {self.feature} has {len(found)} values")
        return float(found[int(number)])
