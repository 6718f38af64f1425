"""A finished or running optimisation as tables: how it stands, the best, the failures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orchestrator.analysis.rows import table_of
from orchestrator.checkpoint import Checkpoint
from orchestrator.display.words import (
    best_words,
    controller_words,
    end_words,
    how_to_go_on,
    jobs_words,
    model_words,
    start_words,
)
from orchestrator.errors import UsageError
from orchestrator.paths import run_paths
from orchestrator.report import History, listings, summary
from orchestrator.report.figures.parameters import between_bounds
from orchestrator.report.naming import short_names
from orchestrator.report.statistics.dependence import REGIONS
from orchestrator.status import RunStatus, Watcher


def open_run(where: str | Path) -> History:
    """Read a run once, for all figures and tables.

    Parameters
    ----------
    where : str or pathlib.Path
        The run directory, or its checkpoint.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no run.
    """
    return History.of(Checkpoint(run_paths(Path(where).expanduser()).checkpoint))


def look_at(where: str | Path) -> RunStatus:
    """Return how a run stands at this moment; of a dead one as well."""
    return Watcher(run_paths(Path(where).expanduser())).look()


def outcomes_of(where: str | Path | Sequence[str | Path]) -> dict[tuple[int, int], str]:
    """Return the outcomes of a run's evaluations by generation and offspring; none where this is no run."""
    if not isinstance(where, (str, Path)) or not (Path(where).expanduser() / "checkpoint.h5").is_file():
        return {}
    frame = Checkpoint(Path(where).expanduser()).evaluations()
    keys = zip(frame["generation"].tolist(), frame["offspring"].tolist(), strict=True)
    return dict(zip(keys, frame["outcome"].tolist(), strict=True))


def status_table(status: RunStatus) -> pd.DataFrame:
    """Return how a run stands, two columns: ``what`` and ``now``."""
    now = status.time
    rows = [("run", status.run), ("controller", controller_words(status, now))]
    rows.append(("generations", f"{status.complete} of {status.max_ngen} complete"))
    if status.best is not None:
        start = start_words(status.start_score)
        rows.append(("best so far", f"{status.best.total_score:.4g} ({best_words(status.best)}); {start}"))
    elif status.complete:
        rows.append(("best so far", "nothing measured yet"))
    if status.model is not None:
        rows.append(("model of the values", model_words(status.model)))
    generation = status.generation
    if generation is not None:
        counts = ", ".join(f"{count} {state}" for state, count in generation.counts.items() if count)
        rows.append(("in flight", f"generation {generation.number}: {counts}"))
        rows.append(("jobs", jobs_words(generation)))
    rows += [("end", end_words(status, now)), ("to go on", how_to_go_on(status))]
    rows += [("problem", each) for each in status.problems]
    return table_of([{"what": what, "now": text} for what, text in rows if text], ["what", "now"])


def in_flight_table(status: RunStatus) -> pd.DataFrame:
    """Return one row per offspring in flight: ``offspring``, ``state``, ``phase``, ``host``, ``attempt``, message."""
    columns = ["offspring", "state", "phase", "host", "attempt", "message"]
    offspring = status.generation.offspring if status.generation is not None else ()
    rows = [
        {
            "offspring": each.index if each.generation < 0 else each.place,
            "state": each.state,
            "phase": f"{each.phase} {each.step} of {each.steps}" if each.steps else each.phase,
            "host": each.host,
            "attempt": each.attempt,
            "message": each.message,
        }
        for each in offspring
    ]
    return table_of(rows, columns)


def facts(history: History) -> list[str]:
    """Return the run in a few sentences: score, trend, targets met, and what deserves a look."""
    if not len(history):
        return ["No generation is complete yet."]
    tiles = [f"{each.title}: {each.value}, {each.text}." for each in summary.tiles(history)]
    return [*tiles, *summary.findings(history), *history.notes]


def best_table(history: History, top: int = 10) -> pd.DataFrame:
    """Return the best evaluations, the best first; only those that were measured.

    Returns
    -------
    pandas.DataFrame
        Columns ``rank``, ``generation``, ``offspring``, ``total score``, ``within 1 norm``, and every parameter,
        its name shortened as in figures.
    """
    rows: list[dict[str, Any]] = []
    names = short_names([*(each.name for each in history.parameters), *history.derived])
    for rank, row in enumerate(history.ranked(top), start=1):
        scores = history.scores[row]
        values = zip(names, [*history.points[row].tolist(), *history.derived_points[row].tolist()], strict=True)
        rows.append(
            {
                "rank": rank,
                "generation": int(history.generation[row]),
                "offspring": int(history.offspring[row]),
                "total score": float(history.total[row]),
                "within 1 norm": f"{int((scores <= 1).sum())} of {len(scores)}",
                **dict(values),
            }
        )
    return table_of(rows, ["rank", "generation", "offspring", "total score", "within 1 norm"])


def parameters_table(history: History, rank: int = 1) -> pd.DataFrame:
    """Return the parameters of one of the best evaluations within their bounds, beside the start values.

    Returns
    -------
    pandas.DataFrame
        Columns ``parameter``, ``value``, ``start value``, ``lower bound``, ``upper bound``, and ``between the bounds``
        from 0 to 1 on the parameter's own scale. Bounds that other parameters decide are those of this evaluation. What
        is not searched follows, without bounds.
    """
    columns = ["parameter", "value", "start value", "lower bound", "upper bound", "between the bounds"]
    ranked = history.ranked(rank)
    if len(ranked) < rank:
        return table_of([], columns)
    row, place = int(ranked[-1]), between_bounds(history, int(ranked[-1]))
    beside = history.space.beside(dict(zip(history.space.names, history.points[row].tolist(), strict=True)))
    rows = [
        {
            "parameter": each.name,
            "value": float(history.points[row, n]),
            "start value": float(history.points[0, n]),
            "lower bound": beside[n].low,
            "upper bound": beside[n].high,
            "between the bounds": float(place[n]),
        }
        for n, each in enumerate(history.parameters)
    ]
    rows += [
        {"parameter": name, "value": float(value), "start value": float(start)}
        for name, value, start in zip(
            history.derived, history.derived_points[row], history.derived_points[0], strict=True
        )
    ]
    return table_of(rows, columns)


def targets_table(history: History, rank: int = 1) -> pd.DataFrame:
    """Return the targets of one of the best evaluations, the worst first: value, unit, what is wanted, norm, score."""
    columns = ["target", "value", "unit", "wanted", "norm", "score", "score of the start values"]
    ranked = history.ranked(rank)
    if len(ranked) < rank:
        return table_of([], columns)
    row = int(ranked[-1])
    rows = [
        {
            "target": history.targets[n].label,
            "value": float(history.values[row, n]),
            "unit": history.targets[n].unit,
            "wanted": history.targets[n].text,
            "norm": history.targets[n].norm,
            "score": float(history.scores[row, n]),
            "score of the start values": float(history.scores[0, n]),
        }
        for n in np.argsort(-history.scores[row], kind="stable")
    ]
    return table_of(rows, columns)


def dependence_table(history: History, region: str = "all evaluations") -> pd.DataFrame:
    """Return how much each target, and last the total score, depends on each parameter, one row per pair.

    Parameters
    ----------
    history : History
        The run.
    region : str
        One of `orchestrator.report.statistics.dependence.REGIONS`.

    Returns
    -------
    pandas.DataFrame
        Columns ``target``, ``parameter``, ``measure`` (total index, or rank correlation), ``share``, the ends ``low``
        and ``high`` of its 95 % interval, ``error`` of the model in standard deviations (NaN without one), and
        ``evaluations``.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such region.
    """
    if region not in REGIONS:
        raise UsageError(f"there is no region {region!r}; known: {', '.join(REGIONS)}")
    columns = ["target", "parameter", "measure", "share", "low", "high", "error", "evaluations"]
    if history.best is None:
        return table_of([], columns)
    found = history.dependences.regions[list(REGIONS).index(region)]
    rows = [
        {
            "target": target,
            "parameter": parameter.name,
            "measure": "total index" if each.by_model else "rank correlation",
            "share": float(each.share[n]),
            "low": float(each.low[n]),
            "high": float(each.high[n]),
            "error": each.error,
            "evaluations": each.number,
        }
        for target, each in zip([*(each.label for each in history.targets), "total score"], found, strict=True)
        for n, parameter in enumerate(history.parameters)
    ]
    return table_of(rows, columns)


def outcomes_table(history: History) -> pd.DataFrame:
    """Return how many evaluations ended in which way: ``outcome``, ``evaluations``, ``share (%)``."""
    kinds, counts = np.unique(history.outcome.astype(str), return_counts=True) if len(history) else ((), ())
    rows = [
        {"outcome": str(kind), "evaluations": int(count), "share (%)": 100 * float(count) / len(history)}
        for kind, count in zip(kinds, counts, strict=True)
    ]
    return table_of(rows, ["outcome", "evaluations", "share (%)"])


def failures_table(history: History) -> pd.DataFrame:
    """Return one row per kind of failure.

    Columns are ``outcome``, ``times``, ``latest``, ``host``, ``message`` and ``end of its log``.
    """
    rows = [
        {
            "outcome": each.outcome,
            "times": each.count,
            "latest": each.place,
            "host": each.host,
            "message": each.message,
            "end of its log": "\n".join(each.log.splitlines()[-8:]),
        }
        for each in (listings.failures(history) if len(history) else [])
    ]
    return table_of(rows, ["outcome", "times", "latest", "host", "message", "end of its log"])


def centroid_text(history: History) -> str:
    """Return the best parameters as `optimiser_centroid` of a configuration takes them, empty before there are any."""
    return listings.centroid_yaml(history)


def peak_memory(history: History) -> float:
    """Return the largest memory of a simulation in MB, NaN if unknown."""
    used = np.asarray(history.details["peak_memory"], dtype=float)
    return float(used.max()) / 1024**2 if len(used) and used.max() > 0 else math.nan
