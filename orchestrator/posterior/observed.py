"""What a run knows: its evaluations, what its targets want, and how exactly; nothing of its model is imported."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.parameters import AnyParameter, read_parameter, space_of
from orchestrator.config.yaml_text import read_mapping
from orchestrator.errors import UsageError
from orchestrator.optimisers.base import Problem, Scale, Told
from orchestrator.optimisers.models.archive import Archive, archive_of
from orchestrator.optimisers.models.quantities import quantities_of
from orchestrator.optimisers.space import SearchSpace
from orchestrator.optimisers.vectors import TargetVector, has_vector, scale_of
from orchestrator.records import FloatArray
from orchestrator.reevaluation.noise import noises_of
from orchestrator.reevaluation.store import again_of
from orchestrator.scores.described import is_own
from orchestrator.scores.rescoring import specs_of
from orchestrator.scores.stored_outputs import data_of
from targets import Target, TargetError, create_targets
from targets.plugins import nearest
from targets.series.comparison import TraceRMSE

# of scores that are compared with those of an interval
_CLOSE = 1e-6


@dataclass(frozen=True)
class MeasuredTrace:
    """What the differences of a target are from.

    Parameters
    ----------
    times, values : ndarray of float, shape (n_times,)
        Of the data, in ms and in `unit`.
    factors : ndarray of float, shape (n_times,)
        What differences in `unit` are multiplied by so that their Euclidean norm is the value.
    unit : str
        Of the data.
    """

    times: FloatArray
    values: FloatArray
    factors: FloatArray
    unit: str


@dataclass(frozen=True)
class Observed:
    """Evaluations and data.

    Parameters
    ----------
    problem : Problem
        With the space and its priors, what is wanted of each target, and how values follow from outputs.
    archive : Archive
        All evaluations whose outcome speaks of their parameters, with the differences of targets that have such.
    values : Archive
        The same with the values of all targets.
    noise : ndarray of float, shape (n_targets,)
        Standard deviation of what is measured of each target, that of the data and that between seeds, in norms.
    of_data : ndarray of float, shape (n_targets,)
        That of the data alone.
    blocks : int
        How many blocks of evaluations these were.
    traces : mapping of int to MeasuredTrace
        Of targets that compare a trace, by number.
    """

    problem: Problem
    archive: Archive
    values: Archive
    noise: FloatArray
    of_data: FloatArray
    blocks: int
    traces: Mapping[int, MeasuredTrace] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        problem: Problem,
        blocks: Sequence[Told],
        noise: FloatArray | None = None,
        of_data: FloatArray | None = None,
    ) -> Observed:
        """Return what blocks of evaluations say.

        `noise` is one norm of each target if it is left out, and all of it is of the data if `of_data` is.

        Of targets whose value is no norm of differences the value is learnt, and not what it is computed from.
        """
        quantities = quantities_of(problem.scales, problem.vectors, blocks)
        vectors = {n: vector for n, vector in problem.vectors.items() if quantities[n].differences}
        archive, values = (archive_of(replace(problem, vectors=each), blocks) for each in (vectors, {}))
        noise = np.ones(len(problem.scales)) if noise is None else noise
        return cls(problem, archive, values, noise, noise if of_data is None else of_data, len(blocks))

    @property
    def space(self) -> SearchSpace:
        """The parameters."""
        if self.problem.space is None:
            raise ValueError("expected a problem with its space")
        return self.problem.space


def observed_in(run: Checkpoint, sds: Mapping[str, float]) -> Observed:
    """Return what a run knows.

    Parameters
    ----------
    run : Checkpoint
        Of the run.
    sds : mapping of str to float
        Standard deviations of the data by the target's label, in its unit, in the place of its norm.

    Raises
    ------
    orchestrator.errors.UsageError
        If there are no evaluations, a label is of no target, or the configuration in the checkpoint does not say what
        is needed.
    orchestrator.errors.RunFailed
        If the measured recordings of the run are not there.
    """
    blocks = run.told()
    if not blocks:
        raise UsageError(f"{run.path}: expected evaluations, but no generation is complete yet")
    for label in sds:
        if label not in run.target_labels:
            known = ", ".join(run.target_labels)
            raise UsageError(
                f"--noise: {run.path} has no target {label!r}{nearest(label, run.target_labels) or '.'} It has: {known}"
            )
    space, targets = _space(run), _targets(run)
    scales = [_scale(run, n, targets.get(label), blocks) for n, label in enumerate(run.target_labels)]
    problem = Problem(
        start=np.full(len(space), 0.5),
        steps=space.steps,
        sigma=0.0,
        size=1,
        seed=0,
        targets=run.target_labels,
        scales=scales,
        space=space,
        vectors={
            n: TargetVector(targets[label])
            for n, label in enumerate(run.target_labels)
            if label in targets and has_vector(targets[label])
        },
    )
    try:
        observed = Observed.of(problem, blocks, *_noise(run, scales, sds))
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise UsageError(f"{run.path}: holds numbers of which no posterior can be found ({error})") from error
    return replace(observed, traces=_traces(observed, targets))


def _traces(observed: Observed, targets: Mapping[str, Target]) -> dict[int, MeasuredTrace]:
    """Return the data of targets of which the differences of a trace are learnt."""
    found = {}
    for n, label in enumerate(observed.problem.targets):
        target = targets.get(label)
        if isinstance(target, TraceRMSE) and observed.archive.quantities[n].differences:
            known = target.differences_from(observed.archive.rows[n].shape[1])
            if known is not None:
                found[n] = MeasuredTrace(*known[0], known[1], target.samples_unit)
    return found


def _space(run: Checkpoint) -> SearchSpace:
    """Return the search space that the configuration in a checkpoint says."""
    try:
        given: Mapping[str, object] = read_mapping(run.config_text)["parameters"]
        read: dict[str, AnyParameter] = {str(name): read_parameter(spec) for name, spec in given.items()}
        space = space_of(read)
    except (AttributeError, LookupError, TypeError, ValueError, ValidationError) as error:
        raise UsageError(f"{run.path}: expected the parameters of the run in its configuration ({error})") from error
    if list(space.names) != run.parameter_names:
        raise UsageError(
            f"{run.path}: expected evaluations of the parameters of its configuration, {', '.join(space.names)}, "
            f"got {', '.join(run.parameter_names)}"
        )
    return space


def _targets(run: Checkpoint) -> dict[str, Target]:
    """Return the targets by label, except those whose classes are of the user's own, which are not imported."""
    specs = specs_of(run)
    data = data_of(run, list(specs.values()))
    found: dict[str, Target] = {}
    for label, spec in specs.items():
        if label in found or is_own(spec.get("class")):
            continue
        try:
            found |= {part.label: part for part in create_targets([spec], data=data)}
        except TargetError as error:
            raise UsageError(f"{run.path}: target {label}: {error.problems[0].message}") from error
    return {label: found[label] for label in run.target_labels if label in found}


def _scale(run: Checkpoint, number: int, target: Target | None, blocks: Sequence[Told]) -> Scale:
    """Return how the value of a target becomes its score, by its class or by what was kept of it."""
    if target is not None:
        return scale_of(target)
    kept: Mapping[str, Any] = run.described[number] if number < len(run.described) else {}
    try:
        low = -math.inf if kept["low"] is None else float(kept["low"])
        high = math.inf if kept["high"] is None else float(kept["high"])
        scale = Scale(low, high, float(kept["norm"]), float(kept["max_score"]))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return Scale.of_scores(math.inf)
    return scale if scale.norm > 0 and _gives(scale, number, blocks) else Scale.of_scores(math.inf)


def _gives(scale: Scale, number: int, blocks: Sequence[Told]) -> bool:
    """Return whether the scores of a run are those of an interval: a class of the user's own may have others."""
    values, scores = (
        np.concatenate([getattr(told, name)[:, number] for told in blocks]) for name in ("values", "scores")
    )
    known = np.isfinite(values) & (scores < scale.max_score)
    distances = np.maximum(np.maximum(scale.low - values[known], values[known] - scale.high), 0.0) / scale.norm
    return bool(np.allclose(distances, scores[known], rtol=_CLOSE, atol=_CLOSE))


def _noise(run: Checkpoint, scales: Sequence[Scale], sds: Mapping[str, float]) -> tuple[FloatArray, FloatArray]:
    """Return the standard deviation of what is measured of each target, and that of the data alone, in norms.

    The latter is the norm, or the one that is given; the square of the former is that and the one between seeds, where
    parameters were evaluated again.
    """
    measured = {label: each.sd for label, each in noises_of(run, again_of(run)).items() if each.measured}
    norms = np.array([scale.norm for scale in scales])
    pairs = list(zip(run.target_labels, scales, strict=True))
    of_data = np.array([sds.get(label, scale.norm) for label, scale in pairs])
    between_seeds = np.array([0.0 if scale.by_score else measured.get(label, 0.0) for label, scale in pairs])
    return np.hypot(of_data, between_seeds) / norms, of_data / norms
