"""What a checkpoint's configuration, and the files beside it, say; what is not said of targets is told by the data.

A report must not fail because the model has moved or a target's own file is gone, so nothing here raises.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.config.parameters import ParameterRange, read_parameter
from orchestrator.config.yaml_text import read_mapping
from orchestrator.data.freezing import read_data
from orchestrator.errors import OrchestratorError
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.optimisers.widest import widened
from orchestrator.parameters.bounds import Bounds
from orchestrator.parameters.given import Given, WrongParameters
from orchestrator.paths import RunPaths
from orchestrator.posterior.samples import Samples
from orchestrator.records import FloatArray
from orchestrator.report.naming import elided
from orchestrator.scores.described import description_of, entry_in, is_own, unit_in
from orchestrator.scores.validation import Validation
from targets import create_targets
from targets.base import interval_in_words
from targets.recordings import Events, Trace


@dataclass(frozen=True)
class Wanted:
    """A target as figures need it.

    Parameters
    ----------
    label : str
        Its name in the checkpoint.
    low, high : float
        Edges of what is wanted, infinite if it is open, NaN if unknown; equal for a point.
    norm : float
        Distance that scores 1, NaN if unknown.
    max_score : float
        Cap of the score.
    unit : str
        Of the value, empty for a pure number.
    class_name, sheet : str
        Where it comes from, for people.
    has_duration : bool
        Whether it is of a stimulus of a duration that its entry in the configuration says.
    """

    label: str
    low: float = math.nan
    high: float = math.nan
    norm: float = math.nan
    max_score: float = 20.0
    unit: str = ""
    class_name: str = ""
    sheet: str = ""
    has_duration: bool = False

    @property
    def text(self) -> str:
        """What is wanted: ``1 to 5``, ``at least 0.8``, ``0.01``, empty if unknown."""
        unknown = math.isnan(self.low) or math.isnan(self.high)
        return "" if unknown else interval_in_words(self.low, self.high)

    def distance(self, values: FloatArray) -> FloatArray:
        """Return signed distances from what is wanted in norms, 0 inside, NaN if unknown."""
        with np.errstate(over="ignore"):  # infinitely many norms are as good as most of a float
            return np.asarray((np.maximum(values - self.high, 0.0) - np.maximum(self.low - values, 0.0)) / self.norm)


def read_config(text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the configuration as a mapping, empty if it is none, and what is wrong with it."""
    try:
        return read_mapping(text), []
    except ValueError as error:
        return {}, [f"The configuration in the checkpoint cannot be read ({elided(str(error), 200)})."]


def describe_parameters(
    config: Mapping[str, Any], names: Sequence[str], values: FloatArray
) -> tuple[list[Parameter], list[str]]:
    """Return the parameters with their bounds, those of the data if the configuration has none, and notes."""
    of_data = [_of_values(name, values[:, n]) for n, name in enumerate(names)]
    moving = _moving_bounds(config, names)
    specs = [range_of(config, name) for name in names]
    of_config = [
        own if spec is None or not (spec.fixed or own.name in moving) else spec.named(own.name, moving.get(own.name))
        for spec, own in zip(specs, of_data, strict=True)
    ]
    described = [_with_values(*each) for each in zip(widened(of_config)[0], of_data, strict=True)]
    missing = [each.name for each, own in zip(described, of_data, strict=True) if each is own]
    notes = [f"The configuration has no bounds of {_some(missing)}; the range of the data is shown."] if missing else []
    return described, notes


def _of_values(name: str, values: FloatArray) -> Parameter:
    """Return a parameter whose bounds are the range of its values."""
    own = values[np.isfinite(values)]
    low, high = (float(own.min()), float(own.max())) if len(own) else (0.0, 1.0)
    return Parameter(name, low, high if high > low else low + (abs(low) or 1.0))


def _moving_bounds(config: Mapping[str, Any], names: Sequence[str]) -> dict[str, Bounds]:
    """Return the bounds that other parameters decide, as far as the parameters that decide are there."""
    try:
        found = Bounds.of(Given.of({str(name): spec for name, spec in config["parameters"].items()}))
    except (AttributeError, LookupError, WrongParameters):
        return {}
    return {name: bounds for name, bounds in found.items() if set(bounds.names) <= set(names)}


def _with_values(parameter: Parameter, of_data: Parameter) -> Parameter:
    """Return a parameter that has all of its values between the widest bounds that are known."""
    if parameter.moving is None:
        return parameter
    if not math.isfinite(parameter.low):
        return of_data
    low, high = min(parameter.low, of_data.low), max(parameter.high, of_data.high)
    return dataclasses.replace(parameter, low=low, high=high)


def range_of(config: Mapping[str, Any], name: str) -> ParameterRange | None:
    """Return what the configuration says of a parameter that is searched, None if that is not known."""
    given = config.get("parameters")
    try:
        spec = read_parameter(given[name] if isinstance(given, dict) else None)
    except (KeyError, ValueError):
        return None
    return spec if isinstance(spec, ParameterRange) else None


def describe_targets(
    config: Mapping[str, Any],
    labels: Sequence[str],
    values: FloatArray,
    scores: FloatArray,
    kept: Sequence[Mapping[str, Any]] = (),
) -> tuple[list[Wanted], list[str]]:
    """Return the targets with what is wanted, and notes about those that are not known.

    Classes of the user's own are not imported: what the checkpoint keeps of them is taken, or guessed from the scores.

    Parameters
    ----------
    config : mapping
        The run's.
    labels : sequence of str
        In the order of the checkpoint.
    values, scores : ndarray, shape (n_evaluations, n_targets)
        Tell the kind of a target of which nothing else does.
    kept : sequence of mapping
        What `orchestrator.scores.described.description_of` returned of each when the run began, as far as it is there.
    """
    specs = config.get("targets")
    of_each = [own if isinstance(own, Mapping) else {} for own in [*kept, *[{}] * (len(labels) - len(kept))]]
    places = [entry_in(own, n) for n, own in enumerate(of_each[: len(labels)])]
    if not isinstance(specs, list) or set(places) != set(range(len(specs))):
        return [Wanted(label) for label in labels], ["The configuration does not list the targets of the checkpoint."]
    described, unknown = [], []
    for n, label in enumerate(labels):
        spec = specs[places[n]]
        found = _of_description(label, spec, of_each[n]) or _of_class(label, spec)
        if found is None:
            found = _of_data(label, spec if isinstance(spec, dict) else {}, values[:, n], scores[:, n])
            unknown.append(label)
        says_duration = isinstance(spec, dict) and spec.get("duration") is not None
        described.append(dataclasses.replace(found, has_duration=says_duration))
    if not unknown:
        return described, []
    note = (
        f"The class of {_some(unknown)} is not imported to look at a run, so its unit is not shown; what is wanted is "
        "taken from the configuration and the scores."
    )
    return described, [note]


def _of_class(label: str, spec: object) -> Wanted | None:
    """Return a target as its class describes it, None if that is the user's own, or does not take these options."""
    if not isinstance(spec, dict) or is_own(spec.get("class")):
        return None
    try:
        (target,) = create_targets([spec])
    except Exception:  # noqa: BLE001  (that of an installed class may raise anything)
        return None
    return _of_description(label, spec, description_of(target))


def _of_description(label: str, spec: object, kept: Mapping[str, Any]) -> Wanted | None:
    """Return a target by what was kept of it; None if nothing was, or it is not what this program keeps."""
    try:
        norm, cap, sheet = float(kept["norm"]), float(kept["max_score"]), str(kept["sheet"])
        low, high = (
            float(open_edge if kept[edge] is None else kept[edge]) if edge in kept else math.nan
            for edge, open_edge in (("low", -math.inf), ("high", math.inf))
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    class_name = str(spec.get("class", "")) if isinstance(spec, dict) else ""
    return Wanted(label, low, high, norm, cap, unit_in(kept), class_name, sheet)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(elided(name, 60) for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def _of_data(label: str, spec: Mapping[str, Any], values: FloatArray, scores: FloatArray) -> Wanted:
    """Return a target whose class is not there: its kind is the one that gives the scores of the checkpoint."""
    plain = Wanted(label, class_name=str(spec.get("class", "")), sheet=str(spec.get("sheet_name") or ""))
    try:
        norm, cap = float(spec["norm"]), float(spec.get("max_score", 20.0))
        edges = [float(edge) for edge in np.atleast_1d(np.asarray(spec["target_value"], dtype=float))]
    except (KeyError, TypeError, ValueError, OverflowError):
        return plain
    known = np.isfinite(values)
    pairs = {"range": (edges[0], edges[-1])} if len(edges) == 2 else {}
    if len(edges) == 1:
        pairs = {"point": (edges[0], edges[0]), "at least": (edges[0], math.inf), "at most": (-math.inf, edges[0])}
    for low, high in pairs.values() if known.any() or len(pairs) == 1 else ():
        wanted = Wanted(label, low, high, norm, cap, "", plain.class_name, plain.sheet)
        if np.allclose(np.minimum(np.abs(wanted.distance(values[known])), cap), scores[known]):
            return wanted
    return Wanted(label, math.nan, math.nan, norm, cap, "", plain.class_name, plain.sheet)


def read_measured_data(folder: Path) -> tuple[dict[str, Trace | Events], list[str]]:
    """Return the measured recordings in a run's directory, and why they cannot be read; none if there are none."""
    path = RunPaths(folder).data
    try:
        return (read_data(path), []) if path.exists() else ({}, [])
    except (OSError, ValueError) as error:
        return {}, [f"The data of the run cannot be read: {error}"]


def read_posterior(folder: Path, parameters: Sequence[Parameter]) -> tuple[Samples | None, list[str]]:
    """Return the samples of the posterior in a run's directory, and why they are not shown; none if there are none."""
    path = RunPaths(folder).posterior
    try:
        samples = Samples.read(path) if path.exists() else None
    except (OSError, ValueError) as error:
        return None, [f"The samples of the posterior cannot be read: {error}"]
    space = SearchSpace(parameters)
    if samples is not None and (
        tuple(samples.names) != space.names
        or not len(samples.values)
        or any(space.outside(dict(zip(space.names, row, strict=True))) for row in samples.values.tolist())
    ):
        return None, ["The samples of the posterior are of other parameters, or bounds, than the run's."]
    return samples, []


def read_validation(folder: Path) -> tuple[Validation | None, list[str]]:
    """Return what is known of the parameter sets that a run was given, and why that cannot be read."""
    try:
        return Validation.of(RunPaths(folder)), []
    except OrchestratorError as error:
        return None, [f"The parameter sets of the run cannot be read: {error}"]
