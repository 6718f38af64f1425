"""Evaluations of other runs, to learn from: ``optimiser.learn_from``, and what ``optimiser.start_from`` names."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.model import Config
from orchestrator.errors import RunFailed, UsageError
from orchestrator.optimisers.base import FAILED, Told, known_errors
from orchestrator.parameters.given import Given
from orchestrator.paths import RunPaths
from orchestrator.records import FloatArray, Origin, Outcome
from orchestrator.scores.parameter_sets import is_run, table_of
from orchestrator.scores.start_from import file_of
from targets import Target, ranked_score_of

if TYPE_CHECKING:
    import pandas as pd

_LOG = logging.getLogger(__name__)


def evaluations_of_others(config: Config) -> Told | None:
    """Return what a configuration's ``optimiser.learn_from`` and ``start_from`` name, None if they name nothing.

    What the search starts from may be of other parameters or targets, or have no values: it is not learnt from then.
    Left out are evaluations outside the ranges of the configuration, and those that say nothing of their parameters.
    Scores are those that the configuration's targets give the values.

    Raises
    ------
    orchestrator.errors.UsageError
        If a run of ``learn_from`` is not readable, or of other parameters or targets.
    """
    named: Sequence[Path] = getattr(config.optimiser, "learn_from", ())
    targets = config.create_targets()
    parts = [_of(Checkpoint(config.model_dir / path.expanduser()), config, targets) for path in named]
    parts = [part for part in (*_of_start(config, targets), *parts) if len(part.points)]
    if not parts:
        return None
    return Told(
        points=np.vstack([part.points for part in parts]),
        values=np.vstack([part.values for part in parts]),
        scores=np.vstack([part.scores for part in parts]),
        outcomes=[outcome for part in parts for outcome in part.outcomes],
        origins=[Origin.INJECTED] * sum(len(part.points) for part in parts),
        # before all of this run
        ids=[(n - len(parts), row) for n, part in enumerate(parts) for row in range(len(part.points))],
        errors=known_errors(np.vstack([part.errors_or_nan for part in parts])),
    )


def freeze(told: Told | None, paths: RunPaths) -> None:
    """Keep evaluations of other runs with a run, which may then go on without them."""
    if told is not None:
        names = np.array([outcome.value for outcome in told.outcomes])
        ids = np.array(told.ids)
        np.savez(
            paths.learnt,
            points=told.points,
            values=told.values,
            scores=told.scores,
            errors=told.errors_or_nan,
            outcomes=names,
            ids=ids,
        )


def frozen(paths: RunPaths) -> Told | None:
    """Return what `freeze` kept, None if it was nothing.

    Raises
    ------
    orchestrator.errors.RunFailed
        If the file is not readable.
    """
    try:
        with np.load(paths.learnt, allow_pickle=False) as arrays:
            return Told(
                points=arrays["points"],
                values=arrays["values"],
                scores=arrays["scores"],
                outcomes=[Outcome(str(name)) for name in arrays["outcomes"]],
                origins=[Origin.INJECTED] * len(arrays["points"]),
                ids=[(int(generation), int(index)) for generation, index in arrays["ids"]],
                # earlier versions kept none
                errors=known_errors(arrays["errors"]) if "errors" in arrays else None,
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunFailed(
            f"{paths.learnt}: expected the evaluations of other runs that this one learns from ({error}). Restore it"
        ) from error


def _of_start(config: Config, targets: Sequence[Target]) -> Iterator[Told]:
    """Yield the evaluations that the search starts from, if anything can be learnt from them."""
    path = file_of(config)
    if path is None:
        return
    try:
        if is_run(path):
            yield _of(Checkpoint(path), config, targets)
        elif path.suffix == ".csv":
            yield _of_table(path, config, targets)
    except UsageError as error:
        _LOG.info("only the best of it is used, nothing is learnt: %s", error)


def _of_table(path: Path, config: Config, targets: Sequence[Target]) -> Told:
    """Return the evaluations of a table with the columns that `Checkpoint.evaluations` has."""
    frame = table_of(path)
    needed = [f"parameter:{name}" for name in config.space().names] + [f"value:{each.label}" for each in targets]
    if missing := [name for name in needed if name not in frame]:
        raise UsageError(f"{path}: has no column {', '.join(missing)}")
    import pandas as pd  # noqa: PLC0415  (few runs start from a table)

    for name in (*needed, *(name for name in frame if str(name).startswith("se:"))):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    outcomes = {outcome.value for outcome in Outcome}
    if "outcome" not in frame:
        frame["outcome"] = Outcome.OK.value
    elif unknown := sorted(set(map(str, frame["outcome"])) - outcomes):
        raise UsageError(f"{path}: outcome: expected one of {', '.join(sorted(outcomes))}, got {unknown[0]}")
    return _of_frame(frame, path, config, targets)


def _of(checkpoint: Checkpoint, config: Config, targets: Sequence[Target]) -> Told:
    """Return the evaluations of one run as this one sees them."""
    names, labels = config.space().names, [target.label for target in targets]
    _require(checkpoint, "parameters", set(names), set(checkpoint.parameter_names), only_these=True)
    _require_same_given(checkpoint, config.given())
    _require(checkpoint, "targets", set(labels), set(checkpoint.target_labels), only_these=False)
    return _of_frame(checkpoint.evaluations(), checkpoint.path, config, targets)


def _of_frame(frame: pd.DataFrame, path: Path, config: Config, targets: Sequence[Target]) -> Told:
    """Return the rows of a table that say something, inside the ranges."""
    space, labels = config.space(), [target.label for target in targets]
    parameters = np.array([frame[f"parameter:{name}"] for name in space.names], dtype=float).T
    named = [dict(zip(space.names, row, strict=True)) for row in parameters.tolist()]
    inside = np.array([not space.outside(values) for values in named], dtype=bool)
    outcomes = [Outcome(name) for name in frame["outcome"]]
    speak = np.array([outcome is Outcome.OK or outcome in FAILED for outcome in outcomes], dtype=bool)
    rows = np.flatnonzero(inside & speak)
    points = [space.encode(named[row]) for row in rows]
    values = np.array([frame[f"value:{label}"] for label in labels], dtype=float).T[rows]
    unknown = np.full(len(frame), math.nan)
    errors = np.array([frame.get(f"se:{label}", unknown) for label in labels], dtype=float).T[rows]
    if len(rows) < len(frame):
        _LOG.info(
            "%s: %d of %d evaluations are learnt from; the others are outside the ranges, or say nothing",
            *(path, len(rows), len(frame)),
        )
    return Told(
        points=np.array(points).reshape(len(rows), len(space)),
        values=values,
        scores=_scores(targets, values),
        outcomes=[outcomes[row] for row in rows],
        errors=known_errors(errors),
    )


def _require_same_given(checkpoint: Checkpoint, given: Given) -> None:
    """Refuse a run whose simulations got other numbers of the same searched parameters."""
    here, there = ({name: each.what_is(name) for name in each.names} for each in (given, checkpoint.given))
    for name in dict.fromkeys([*here, *there]):
        if here.get(name) != there.get(name):
            what, other = (each.get(name, "not given") for each in (here, there))
            raise UsageError(
                f"{checkpoint.path}: expected a run of the same parameters, but {name!r} is {other} in that one, and "
                f"{what} here. Learn from another run, or from none (optimiser.learn_from)"
            )


def _require(checkpoint: Checkpoint, what: str, wanted: set[str], there: set[str], *, only_these: bool) -> None:
    missing, more = sorted(wanted - there), sorted(there - wanted)
    if missing or (only_these and more):
        differs = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(more)} as well"
        raise UsageError(
            f"{checkpoint.path}: expected a run of the same {what}, but it {differs}. Learn from another run, or from "
            "none (optimiser.learn_from)"
        )


def _scores(targets: Sequence[Target], values: FloatArray) -> FloatArray:
    known = [[None if math.isnan(value) else float(value) for value in row] for row in values]
    scores = [[ranked_score_of(*pair) for pair in zip(targets, row, strict=True)] for row in known]
    return np.array(scores, dtype=float).reshape(values.shape)
