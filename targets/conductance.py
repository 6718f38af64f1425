"""Target of the balance of synaptic conductances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from targets.base import PointTarget
from targets.errors import NoValue
from targets.needs import Needs, Recorded
from targets.registry import target
from targets.segment import Segment, SignalSummary, mean_over_cells
from targets.sheet_target import SpontaneousTarget, mean_over

EXCITATORY = ("gsyn_exc", "g_ex")
INHIBITORY = ("gsyn_inh", "g_in")


class InhibitionOverExcitation(SpontaneousTarget):
    """Mean inhibitory over mean excitatory synaptic conductance, over recorded cells and time, spontaneous activity.

    Trials are averaged.
    """

    excitatory_signal: str | None = Field(
        default=None, description="name of the recorded excitatory conductance, by default gsyn_exc or g_ex"
    )
    inhibitory_signal: str | None = Field(
        default=None, description="name of the recorded inhibitory conductance, by default gsyn_inh or g_in"
    )

    @property
    def needs(self) -> Needs:
        """Both conductances during spontaneous activity."""
        own = {"excitatory_signal": self.excitatory_signal, "inhibitory_signal": self.inhibitory_signal}
        usual = {"excitatory_signal": EXCITATORY, "inhibitory_signal": INHIBITORY}
        recorded = [Recorded((name,), option) if name else Recorded(usual[option]) for option, name in own.items()]
        return super().needs + Needs(tuple(recorded))

    def outputs(self, recordings: Any) -> float:  # noqa: D102
        return mean_over(self.spontaneous(recordings), self._ratio)

    def _ratio(self, segment: Segment) -> float:
        excitatory = self._mean(segment, self.excitatory_signal, EXCITATORY)
        inhibitory = self._mean(segment, self.inhibitory_signal, INHIBITORY)
        if excitatory == 0:
            raise NoValue(f"the mean excitatory conductance is 0 (the inhibitory one {inhibitory:g} uS)")
        return inhibitory / excitatory

    def _mean(self, segment: Segment, name: str | None, known: Sequence[str]) -> float:
        wanted = known if name is None else (name,)
        signals = segment.signals()
        found = [each for each in signals if each.name in wanted and (each.n_cells or each.problem)]
        if not found:
            present = ", ".join(each.name for each in signals) or "none"
            raise NoValue(
                f"no signal {' or '.join(wanted)} of sheet {self.sheet_name} was recorded; signals: {present}"
            )
        return _mean_of(found)


def _mean_of(signals: Sequence[SignalSummary]) -> float:
    """Average one signal; raises `NoValue` if it is no conductance, or can't be read."""
    for each in signals:
        if each.problem is not None:
            raise NoValue(f"the signal {each.name} can't be read: {each.problem}")
        if each.dimension != "conductance":
            raise NoValue(f"the signal {each.name} is a {each.dimension}, not a conductance")
    return mean_over_cells(signals)


@target("ConductanceRatio", unit="")
class ConductanceRatio(InhibitionOverExcitation, PointTarget):
    """The ratio of inhibitory to excitatory conductance should be ``target_value``."""
