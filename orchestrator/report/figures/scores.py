"""Total scores by generation; and of given parameter sets, over those that they had before."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.domains import Domain, around, from_zero, log_domain
from orchestrator.report.figures.common import NOTHING_MEASURED, generations_axis, means, nothing, quantiles
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, FAINT, INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Band, Figure, Line, Panel, Pick, Points, Rule, Selector

_TITLE = "Total score by generation"
_SCALES = ("linear", "log")


@figure(section="scores", order=10)
def score_by_generation(run: Checkpoint | History) -> Figure:
    """Return the total score of the best so far, of each generation's best, and its mean with the spread.

    Choices: ``horizontal`` (generation, evaluations, hours since the first submission), ``offspring`` (those that were
    measured, or all, failed ones with their full penalty), ``vertical`` (linear, log).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    if not len(history):
        return nothing("score_by_generation", _TITLE)
    best = history.best_so_far(history.total)
    own_best = quantiles(history, history.total, (0.0,))[0]
    spread = [quantiles(history, totals, (0.1, 0.9)) for totals in (history.measured, history.total)]
    mean = [means(history, totals) for totals in (history.measured, history.total)]
    across = _across(history)
    x = Pick("horizontal", tuple(each for _, each in across))
    start = np.array([float(history.total[history.start])] if history.start is not None else [])
    # penalties of failures may be so large that nothing else would be seen: they don't set the scale
    seen = np.concatenate([best, own_best[own_best < np.inf], mean[0]])
    linear = [from_zero(seen, high[1], start[start <= 3 * np.nanmax(seen, initial=0.0)]) for high in spread]
    domains = tuple(
        Pick("offspring", (linear[n], linear[n])) if scale == "linear" else log_domain(best, seen, spread[0][1], start)
        for n, scale in enumerate(_SCALES)
    )
    panel = Panel(
        Axis(
            Pick("horizontal", tuple(title for title, _ in across)),
            Pick("horizontal", tuple(_ends(history, n, values) for n, (_, values) in enumerate(across))),
            whole=Pick("horizontal", tuple(n < 2 for n in range(len(across)))),
        ),
        Axis("total score", Pick("vertical", domains), Pick("vertical", _SCALES)),
        (
            Band(
                x, Pick("offspring", tuple(low for low, _ in spread)),
                Pick("offspring", tuple(high for _, high in spread)),
                LIGHT_BLUE, "10th to 90th percentile", 0.3,
            ),
            Line(x, Pick("offspring", tuple(mean)), BLUE, "mean of the generation", 1.4),
            Points(x, own_best, BLUE, "best of the generation", 2.6 if len(best) < 200 else 1.2, opacity=0.75),
            Line(x, best, INK, "best so far", 2.2, step=True),
            *_start_rule(history),
        ),
        height=320,
    )  # fmt: skip
    failed, lost = int((history.evaluated & ~history.ok).sum()), int((~history.evaluated).sum())
    caption = "Sum of the scores of all targets; smaller is better, 0 is a perfect match."
    if failed:
        caption += (
            f" The best so far leaves out the {failed:,} offspring without a measurement; mean and spread do unless "
            "all are chosen. The best of each generation is that of all, as the optimiser was told."
        )
    if lost:
        caption += f" {lost:,} offspring were not evaluated, because of the cluster, and are in no number."
    choices = (
        Selector("horizontal", "Over", tuple(title for title, _ in across)),
        Selector("offspring", "Mean of", ("measured offspring", "all offspring")),
        Selector("vertical", "Scale", _SCALES, int(_spans_decades(best, start))),
    )
    return Figure("score_by_generation", _TITLE, caption, (panel,), choices)


def _was_scored(history: History) -> bool:
    return history.validation is not None and any(
        np.isfinite(each.found.total_score) for each in history.validation.rows
    )


@figure(section="scores", order=20, when=_was_scored)
def fit_and_validation(run: Checkpoint | History) -> Figure:
    """Return the total scores of given parameter sets over those that they had where they were found.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Validation over fit"
    if not len(history):
        return nothing("fit_and_validation", title)
    if history.validation is None or not _was_scored(history):
        return nothing("fit_and_validation", title, "The run has searched for its own parameter sets.")
    measured = [each for each in history.validation.measured if np.isfinite(each.found.total_score)]
    if not measured:
        return nothing("fit_and_validation", title, NOTHING_MEASURED)
    fit, here = np.array([(each.found.total_score, each.total_score) for each in measured]).T
    places = {int(row): n for n, row in enumerate(history.shown)}
    drawn = np.array([n for n, each in enumerate(measured) if each.row in places], dtype=int)
    rows = np.array([places[measured[n].row] for n in drawn], dtype=int)
    across, up = from_zero(fit), from_zero(here)
    same = np.array([0.0, min(across[1], up[1])])
    # the best of all may be one of those that had no score before
    best = "best in validation" if measured[0] is history.validation.measured[0] else "best in validation of these"
    panel = Panel(
        Axis("total score in the fit", across),
        Axis("total score in validation", up),
        (
            Line(same, same, FAINT, "equal", 1.0, dashed=True),
            Points(fit[drawn], here[drawn], BLUE, "parameter sets", 3.4, evaluations=rows),
            Points(fit[:1], here[:1], INK, best, 6, "diamond"),
        ),
        height=320,
    )
    missing = len(history.validation.rows) - len(measured)
    caption = f"{len(measured)} parameter sets of {history.validation.source}."
    if missing:
        caption += f" {missing} more are not evaluated yet, were not measured, or had no score before."
    if np.isfinite(history.validation.correlation):
        caption += f" Rank correlation (Spearman): {history.validation.correlation:.2f}."
    return Figure("fit_and_validation", title, caption, (panel,))


def hours_at_ends(history: History) -> FloatArray:
    """Return hours from the first submission to the last end of a job in each generation, NaN if unknown."""
    finished = np.fmax(history.times["finished"], history.times["submitted"])
    last = np.array([np.nanmax(part) if np.isfinite(part).any() else np.nan for part in _parts(history, finished)])
    return np.asarray((last - history.begin) / 3600)


def _parts(history: History, values: FloatArray) -> list[FloatArray]:
    return np.split(values, history.ends[:-1])


def _across(history: History) -> list[tuple[str, FloatArray]]:
    across = [("generation", history.numbers.astype(float)), ("evaluations", history.ends.astype(float))]
    hours = hours_at_ends(history)
    if np.isfinite(hours).all():
        across.append(("hours since the first submission", hours))
    return across


def _ends(history: History, n: int, values: FloatArray) -> Domain:
    domain = generations_axis(history).domain
    return domain if n == 0 and isinstance(domain, tuple) else around(0.0, values, share=0.012)


def _start_rule(history: History) -> list[Rule]:
    if history.start is None or not history.evaluated[history.start]:
        return []
    label = "start values" if history.ok[history.start] else "start values (not measured)"
    return [Rule("y", float(history.total[history.start]), FAINT, label)]


def _spans_decades(best: FloatArray, start: FloatArray) -> bool:
    return bool(best[-1] > 0 and (start > 20 * best[-1]).any())
