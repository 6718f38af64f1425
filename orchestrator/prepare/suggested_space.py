"""A first search space: the model's weights and synaptic time constants, with generous bounds around their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.config.yaml_text import write_yaml
from orchestrator.simulations.mozaik.parameters import flatten, lookup
from orchestrator.simulations.mozaik.sheets import SheetDescription

_WEIGHT = re.compile(r"(base_|exc_|inh_)?weights?|weight_factor")
_SYNAPTIC_TIME = re.compile(r"tau_(syn(_\w+)?|rec|fac)")
_OTHER_TIME = re.compile(r"tau_\w+|delay")
# a weight is searched over a factor of 16, a time constant over a factor of 4
_WEIGHT_FACTOR, _TIME_FACTOR = 4.0, 2.0


@dataclass(frozen=True)
class Suggestion:
    """A parameter that could be searched.

    Parameters
    ----------
    name : str
        Dotted name in the tree.
    value : float
        Its value in the model at present.
    bounds : tuple of float
        Smallest and largest value to try, in the unit of the value.
    log : bool
        Whether it is searched on a logarithmic scale.
    unit : str
        Its unit; empty if that is not known.
    active : bool
        Whether it is part of the first search, or a comment that can become one.
    group : str
        Label of the sheet that it belongs to; empty if it belongs to none.
    """

    name: str
    value: float
    bounds: tuple[float, float]
    log: bool
    unit: str
    active: bool
    group: str

    @property
    def spec(self) -> str:
        """The value of the key in YAML."""
        low, high = (number(bound) for bound in self.bounds)
        return f"{{bounds: [{low}, {high}], scale: log}}" if self.log else f"[{low}, {high}]"

    @property
    def line(self) -> str:
        """The whole line in YAML."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{'' if self.active else '# '}{yaml_key(self.name)}: {self.spec} # now {number(self.value)}{unit}"


def suggest_space(tree: Mapping[str, Any], sheets: Sequence[SheetDescription]) -> list[Suggestion]:
    """Return the weights and time constants of a model, in the order of its files.

    What follows another parameter by ``ref(...)`` moves with it and is left out; so is what is 0. Cell properties,
    delays, and everything of the retina and LGN are comments: they are usually known, or fitted before.
    """
    found = []
    weight_unit = _weight_unit(tree)
    for name, value in flatten(tree):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value == 0:
            continue
        if not _addressable(tree, name):
            continue
        suggestion = _suggestion(name, float(value), _sheet_of(name, sheets), weight_unit)
        if suggestion is not None:
            found.append(suggestion)
    return found


def _addressable(tree: Mapping[str, Any], name: str) -> bool:
    """Whether the dotted name leads there: names with dots of their own can't be overridden."""
    try:
        lookup(tree, name)
    except KeyError:
        return False
    return True


def _sheet_of(name: str, sheets: Sequence[SheetDescription]) -> SheetDescription | None:
    return next((sheet for sheet in sheets if name.startswith(f"{sheet.key}.")), None)


def _suggestion(name: str, value: float, sheet: SheetDescription | None, weight_unit: str) -> Suggestion | None:
    key = name.rpartition(".")[2]
    group = sheet.label if sheet else ""
    searched = sheet is None or sheet.name is not None  # the sheets of a retina get their names from mozaik
    if _WEIGHT.fullmatch(key):
        log = value > 0
        return Suggestion(name, value, _around(value, _WEIGHT_FACTOR), log, weight_unit, searched, group)
    if value > 0 and (_SYNAPTIC_TIME.fullmatch(key) or _OTHER_TIME.fullmatch(key)):
        active = searched and _SYNAPTIC_TIME.fullmatch(key) is not None
        return Suggestion(name, value, _around(value, _TIME_FACTOR), False, "ms", active, group)
    return None


def _around(value: float, factor: float) -> tuple[float, float]:
    """Return `value` / `factor` and `value` * `factor`, with two digits, in their order."""
    low, high = sorted((float(f"{value / factor:.2g}"), float(f"{value * factor:.2g}")))
    return low, high


def _weight_unit(tree: Mapping[str, Any]) -> str:
    """Return PyNN's unit of weights: of conductance-based models uS, of current-based ones nA; NEST's own differ."""
    models = {value for name, value in flatten(tree) if name.endswith("cell.model") and isinstance(value, str)}
    native = any(value is True for name, value in flatten(tree) if name.endswith("cell.native_nest"))
    if models and not native and all("cond" in model for model in models if "Spike" not in model):
        return "uS"
    return "nA" if models and not native and all("_curr_" in model for model in models) else ""


def sorted_by_sheet(suggestions: Sequence[Suggestion]) -> list[Suggestion]:
    """Return them sheet after sheet; of each what is searched first, then the comments."""
    order = {each.group: n for n, each in reversed(list(enumerate(suggestions)))}
    return sorted(suggestions, key=lambda each: (order[each.group], not each.active))


def number(value: float) -> str:
    """Return a number with at most six digits as YAML reads it: 1e-05 alone would be text there."""
    text = f"{value:.6g}"
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}.0{e}{exponent}" if e and "." not in mantissa else text


def yaml_key(name: str) -> str:
    """Return a name as a key of YAML, with quotes if it needs them."""
    return write_yaml(name, width=10_000, flow=True).removesuffix("...\n").strip()
