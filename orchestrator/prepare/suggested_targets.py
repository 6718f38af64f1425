"""First targets for the sheets of a model: plausible numbers, to be replaced by one's own data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.config.yaml_text import write_yaml
from orchestrator.simulations.mozaik.protocol import Protocol
from orchestrator.simulations.mozaik.sheets import SheetDescription
from targets import Presented, create_targets
from targets.conductance import EXCITATORY
from targets.stimuli import SPONTANEOUS


@dataclass(frozen=True)
class TargetLine:
    """One target of the configuration.

    Parameters
    ----------
    spec : mapping
        The keys of the target and their values.
    comment : str
        What the number means, in a comment: unit and kind.
    active : bool
        Whether it is a target, or a comment that can become one.
    """

    spec: Mapping[str, Any]
    comment: str
    active: bool = True

    @property
    def line(self) -> str:
        """The line in YAML."""
        text = write_yaml(dict(self.spec), width=10_000, flow=True).strip()
        return f"{'' if self.active else '# '}- {text}{f' # {self.comment}' if self.comment else ''}"


def suggest_targets(sheets: Sequence[SheetDescription], protocol: Protocol) -> list[TargetLine]:
    """Return targets of spontaneous activity for every sheet with a name, of tuning for the excitatory ones.

    Those of stimuli that the protocol does not present are comments: they would have no value.
    """
    lines = []
    for sheet in sheets:
        if sheet.name is not None:
            lines += _of_sheet(sheet, protocol)
    return lines


def _of_sheet(sheet: SheetDescription, protocol: Protocol) -> list[TargetLine]:
    def line(cls: str, value: Any, norm: float, comment: str, **options: Any) -> TargetLine:
        spec = {"class": cls, "sheet_name": sheet.name, "target_value": value, "norm": norm} | options
        (target,) = create_targets([spec])
        return TargetLine(spec, comment, all(_is_presented(need, protocol) for need in target.needs.presented))

    rate: tuple[list[float], float] = ([3, 10], 2) if sheet.inhibitory else ([1, 4], 1)
    lines = [
        line("SpontActivityTarget", *rate, "Hz, from to"),
        line("IrregularityTarget", 0.8, 0.1, "coefficient of variation of intervals, at least"),
        line("SynchronyTarget", 0.01, 0.02, "mean correlation of spike counts"),
    ]
    if sheet.inhibitory or not sheet.cortical:
        return lines
    if sheet.conductances:
        exc, inh = sheet.conductances
        named = {} if exc in EXCITATORY else {"excitatory_signal": exc, "inhibitory_signal": inh}
        lines.append(line("ConductanceRatio", 4, 1, "inhibitory over excitatory", **named))
    lines += [
        line("OrientationTuningPreferenceTarget", 3, 1, "preferred over orthogonal rate, at least"),
        line("OrientationTuningOrthoHighTarget", 0.5, 0.25, "|spontaneous - orthogonal| / spontaneous, high"),
        line("OrientationTuningOrthoLowTarget", 0.5, 0.25, "the same at low contrast"),
        line("ModulationRatio", 1, 0.5, "2 F1 / F0: simple cells above 1, complex cells below"),
        line("SizeTuning", 0.5, 0.25, "share of suppressed cells, at least"),
    ]
    return lines


def _is_presented(stimulus: Presented, protocol: Protocol) -> bool:
    """Whether there is reason to believe so: nearly every protocol begins with spontaneous activity."""
    return protocol.presents(stimulus) or (stimulus.name == SPONTANEOUS and protocol.may_present(stimulus))
