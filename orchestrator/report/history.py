"""A run as arrays: what figures and tables are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.evolution.domination import non_dominated
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.posterior.samples import Samples
from orchestrator.records import FloatArray, Origin
from orchestrator.report.described import (
    Wanted,
    describe_parameters,
    describe_targets,
    read_config,
    read_measured_data,
    read_posterior,
    read_validation,
)
from orchestrator.report.domains import places_between
from orchestrator.report.sampling import sample_evaluations
from orchestrator.report.statistics.dependence import Dependences
from orchestrator.scores.validation import Validation
from orchestrator.simulations.phases import TIMED, Phase
from targets.recordings import Events, Recordings, Trace

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

# what an evaluation waits for before it starts
QUEUE, WORKER = "queue", "waiting for a worker"
# what the report calls the phases of a job of which the checkpoint has the time
_LABELS = {
    Phase.BUILDING: "building",
    Phase.CHECK: "explosion check",
    Phase.PROTOCOLS: "protocols",
    Phase.MEASURING: "measuring",
}


@dataclass(frozen=True, eq=False)
class History:
    """All evaluations of a run in the order in which the optimiser was told.

    Parameters
    ----------
    name : str
        Of the run.
    parameters : sequence of Parameter
        With their bounds.
    targets : sequence of Wanted
        With what is wanted.
    frame, details : pandas.DataFrame
        As `Checkpoint.evaluations` and `Checkpoint.details` return them.
    distribution : mapping
        As `Checkpoint.distribution` returns it.
    config : mapping
        The run's.
    config_text : str
        The same as it is in the checkpoint.
    versions : mapping
        Of the programs that made the run.
    notes : sequence of str
        What could not be told.
    recordings : mapping of (int, int) to Recordings
        Traces and events that are kept of some evaluations, by generation and offspring.
    measured_data : mapping of str to Trace or Events
        Measured recordings of the run by name.
    derived : sequence of str
        Names of what simulations got besides: constants, what is computed, and other names of what is searched.
    posterior : Samples or None
        Samples of the posterior distribution of the parameters, if there are some beside the run.
    validation : Validation or None
        The parameter sets that the run was given, and what they were worth before; None if it searched for its own.
    """

    name: str
    parameters: tuple[Parameter, ...]
    targets: tuple[Wanted, ...]
    frame: pd.DataFrame
    details: pd.DataFrame
    distribution: Mapping[str, FloatArray]
    config: Mapping[str, Any] = field(default_factory=dict)
    config_text: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    recordings: Mapping[tuple[int, int], Recordings] = field(default_factory=dict)
    measured_data: Mapping[str, Trace | Events] = field(default_factory=dict)
    derived: tuple[str, ...] = ()
    posterior: Samples | None = None
    validation: Validation | None = None

    @classmethod
    def of(cls, run: Checkpoint | History) -> History:
        """Read a checkpoint, once: figures take what this returns as well as a checkpoint."""
        if isinstance(run, History):
            return run
        folder = run.path.resolve().parent
        config, notes = read_config(run.config_text)
        frame, details = run.evaluations(), run.details()
        ranked = [total for block in run.told() for total in block.totals]
        n = min(len(frame), len(details), len(ranked))  # a generation may have been appended in between
        frame, details = frame.iloc[:n], details.iloc[:n].assign(ranked=ranked[:n])
        values, scores = _matrix(frame, "value", run.target_labels), _matrix(frame, "score", run.target_labels)
        points = _matrix(frame, "parameter", run.parameter_names)
        parameters, more = describe_parameters(config, run.parameter_names, points)
        targets, still_more = describe_targets(config, run.target_labels, values, scores, run.described)
        data, still_missing = read_measured_data(folder)
        posterior, no_samples = read_posterior(folder, parameters)
        validation, no_sets = read_validation(folder)
        return cls(
            name=folder.name,
            parameters=tuple(parameters),
            targets=tuple(targets),
            frame=frame,
            details=details,
            distribution=run.distribution(),
            config=config,
            config_text=run.config_text,
            versions=run.versions,
            notes=(*notes, *more, *still_more, *still_missing, *no_samples, *no_sets),
            recordings=run.recordings(),
            measured_data=data,
            derived=run.given.derived,
            posterior=posterior,
            validation=validation,
        )

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def generation(self) -> IntArray:
        """Generation that each evaluation was asked for with, from 0: with `offspring`, its name."""
        return np.asarray(self.frame["generation"], dtype=np.intp)

    @cached_property
    def offspring(self) -> IntArray:
        """Index in its generation, from 0."""
        return np.asarray(self.frame["offspring"], dtype=np.intp)

    @cached_property
    def block(self) -> IntArray:
        """Number of the tell of each evaluation, from 0, ascending: its generation, unless a schedule does not wait."""
        return np.asarray(self.frame["told_in"], dtype=np.intp)

    @cached_property
    def outcome(self) -> npt.NDArray[np.object_]:
        """Name of the outcome of each evaluation."""
        return np.asarray(self.frame["outcome"], dtype=object)

    @cached_property
    def ok(self) -> BoolArray:
        """Whether an evaluation was measured."""
        return np.asarray(self.outcome == "OK", dtype=bool)

    @cached_property
    def evaluated(self) -> BoolArray:
        """Whether an evaluation has a score: what the cluster lost, or had no room for, has none."""
        return np.asarray(np.isfinite(self.total), dtype=bool)

    @cached_property
    def total(self) -> FloatArray:
        """Total score of each evaluation."""
        return np.asarray(self.frame["total_score"], dtype=float)

    @cached_property
    def measured(self) -> FloatArray:
        """Total score of each evaluation that was measured, NaN of the others: what can be best."""
        return np.where(self.ok & np.isfinite(self.total), self.total, np.nan)

    @cached_property
    def points(self) -> FloatArray:
        """Parameters in their own units, shape (n_evaluations, n_parameters)."""
        return _matrix(self.frame, "parameter", [each.name for each in self.parameters])

    @cached_property
    def places(self) -> FloatArray:
        """Parameters from the lower bound (0) to the upper (1) on their own scales, of the shape of `points`."""
        low, high = (np.array([getattr(each, end) for each in self.parameters]) for end in ("low", "high"))
        log = np.array([each.log for each in self.parameters], dtype=bool)
        # halves, because bounds may be farther apart than a float goes
        places = (self.points / 2 - low / 2) / (high / 2 - low / 2)
        begin, end = np.log(low[log]), np.log(high[log])
        places[:, log] = (np.log(self.points[:, log]) - begin) / (end - begin)
        others = [each.moving is not None or each.choice is not None for each in self.parameters]
        if len(self) and any(others):
            places[:, others] = np.array([places_between(self.space, row) for row in self.points.tolist()])[:, others]
        return np.asarray(np.clip(places, 0.0, 1.0))

    @cached_property
    def space(self) -> SearchSpace:
        """The search space of the parameters."""
        return SearchSpace(self.parameters)

    @cached_property
    def derived_points(self) -> FloatArray:
        """What is `derived`, NaN if an expression has no value, shape (n_evaluations, n_derived)."""
        return _matrix(self.frame, "parameter", self.derived)

    @cached_property
    def values(self) -> FloatArray:
        """Values of the targets, NaN if there is none, shape (n_evaluations, n_targets)."""
        return _matrix(self.frame, "value", [each.label for each in self.targets])

    @cached_property
    def errors(self) -> FloatArray:
        """Standard errors of the values over trials, NaN if there is none, of the shape of `values`."""
        names = [f"se:{each.label}" for each in self.targets]
        return np.asarray(self.frame.reindex(columns=names), dtype=float)

    @cached_property
    def scores(self) -> FloatArray:
        """Scores of the targets, shape (n_evaluations, n_targets)."""
        return _matrix(self.frame, "score", [each.label for each in self.targets])

    @cached_property
    def numbers(self) -> IntArray:
        """Numbers of the blocks, ascending: the generations that are complete."""
        return np.unique(self.block)

    @cached_property
    def place(self) -> IntArray:
        """Position in `numbers` of the block of each evaluation."""
        return np.searchsorted(self.numbers, self.block)

    @cached_property
    def ends(self) -> IntArray:
        """Row after the last one of each block."""
        return np.searchsorted(self.block, self.numbers, side="right")

    @cached_property
    def within(self) -> IntArray:
        """Place of each evaluation in its block, from 0."""
        return np.asarray(np.arange(len(self)) - np.r_[0, self.ends[:-1]][self.place], dtype=np.intp)

    @cached_property
    def ranks(self) -> FloatArray:
        """Rank of each evaluation among those that were measured, from 0; infinite for the others.

        Equal total scores are told apart by what the optimiser ranked, then the earlier is the better.
        """
        ranks = np.full(len(self), np.inf)
        order = np.lexsort((self.details["ranked"].to_numpy(dtype=float), self.measured))
        ranks[order] = np.arange(len(self))
        return np.where(np.isnan(self.measured), np.inf, ranks)

    @cached_property
    def best_rows(self) -> IntArray:
        """Row of the best evaluation so far, at the end of each generation; -1 before one was measured."""
        before = np.r_[np.inf, np.minimum.accumulate(self.ranks)[:-1]]
        latest = np.maximum.accumulate(np.where(self.ranks < before, np.arange(len(before)), -1))
        return np.asarray(latest[self.ends - 1], dtype=np.intp)

    def best_so_far(self, numbers: FloatArray) -> FloatArray:
        """Return what `numbers`, one row per evaluation, are of the best so far of each generation; NaN before one."""
        known = self.best_rows >= 0
        return np.where(known if numbers.ndim == 1 else known[:, None], numbers[self.best_rows], np.nan)

    @cached_property
    def start(self) -> int | None:
        """Row of the start values; None if they were not evaluated."""
        rows = np.flatnonzero(self.frame["origin"] == Origin.START.value)
        return int(rows[0]) if len(rows) else None

    @property
    def best(self) -> int | None:
        """Row of the best evaluation, as `ranks` tells equal ones apart; None before one was measured."""
        return int(self.best_rows[-1]) if len(self) and self.best_rows[-1] >= 0 else None

    @cached_property
    def front(self) -> IntArray:
        """Rows of the Pareto front: measured, and no other is better in a target without being worse in another."""
        rows = np.flatnonzero(self.ok & np.isfinite(self.total))
        return rows[non_dominated(self.scores[rows])]

    @cached_property
    def dependences(self) -> Dependences:
        """What the value of each target, and last the total score, depends on."""
        rows = self.ranked(len(self))
        return Dependences.of(self.places[rows], np.column_stack([self.values, self.measured])[rows])

    def ranked(self, top: int) -> IntArray:
        """Return the rows of the best evaluations, the best first; only those that were measured."""
        return np.argsort(self.ranks, kind="stable")[: min(top, int(np.isfinite(self.measured).sum()))]

    @cached_property
    def shown(self) -> IntArray:
        """Rows that figures draw as points: all, or a deterministic sample that keeps the best and the extremes."""
        return sample_evaluations(self.block, self.measured, np.hstack([self.points, self.values]))

    @property
    def points_shown(self) -> str:
        """How many of how many evaluations figures draw as points, for captions."""
        if len(self.shown) == len(self):
            return ""
        return f"{len(self.shown):,} of {len(self):,} evaluations are drawn: the best, the extremes, an even sample."

    @cached_property
    def times(self) -> dict[str, FloatArray]:
        """Unix times in s: ``submitted``, ``started``, ``finished`` of each evaluation, NaN if unknown."""
        return {name: np.asarray(self.frame[name], dtype=float) for name in ("submitted", "started", "finished")}

    @property
    def waiting(self) -> str:
        """What an evaluation waits for before it starts: a cluster's queue, or a free worker of this machine."""
        return WORKER if self.config.get("executor") == "local" else QUEUE

    @cached_property
    def phases(self) -> dict[str, FloatArray]:
        """Seconds that each evaluation spent in the phases of its job, from its wait to its end; 0 where unknown."""
        submitted, started, finished = self.times.values()
        inside = {_LABELS[phase]: _seconds(np.asarray(self.details[name])) for phase, name in TIMED.items()}
        known = np.sum(list(inside.values()), axis=0)
        # a job that was cancelled in the queue never started
        left_queue = np.where(np.isfinite(started), started, finished - known)
        rest = np.maximum(_seconds(finished - started) - known, 0.0)
        return {self.waiting: _seconds(left_queue - submitted), **inside, "rest of the job": rest}

    @property
    def ends_unknown(self) -> str:
        """How many jobs have no known end, for captions; empty if there are none."""
        count = int((~np.isfinite(self.times["finished"])).sum())
        return f"The end of {count:,} of {len(self):,} jobs is not known: that time is missing here." if count else ""

    @cached_property
    def begin(self) -> float:
        """Unix time of the first submission in s, NaN if unknown."""
        known = self.times["submitted"][np.isfinite(self.times["submitted"])]
        return float(known.min()) if len(known) else float("nan")


def _seconds(values: npt.NDArray[Any]) -> FloatArray:
    numbers = np.asarray(values, dtype=float)
    return np.where(np.isfinite(numbers) & (numbers > 0), numbers, 0.0)


def _matrix(frame: pd.DataFrame, prefix: str, names: Sequence[str]) -> FloatArray:
    columns = [np.asarray(frame[f"{prefix}:{name}"], dtype=float) for name in names]
    return np.asarray(np.column_stack(columns)) if columns else np.zeros((len(frame), 0))
