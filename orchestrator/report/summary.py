"""A run in a few sentences: how far it is, whether it still improves, what is met and what deserves a look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from orchestrator.config.budget import generations_of
from orchestrator.config.durations import format_duration
from orchestrator.reevaluation.noise import Luck
from orchestrator.report.figures.parameters import between_bounds, near_bounds
from orchestrator.report.figures.targets import value_text
from orchestrator.report.history import History
from orchestrator.report.naming import elided, plural

Tone = Literal["good", "bad", "plain"]

_SCORE, _TREND, _MET = "Best total score", "Still improving?", "Targets met"
# share of the best score that was gained in the last generations
_CLEAR, _SOME = 0.05, 0.005


@dataclass(frozen=True)
class Tile:
    """One fact at the top of the page."""

    title: str
    value: str
    text: str
    tone: Tone = "plain"


def tiles(history: History, luck: Luck | None = None) -> list[Tile]:
    """Return the facts at the top of the page, none before the first generation is complete.

    Parameters
    ----------
    history : History
        The run.
    luck : Luck, optional
        Its best by the mean over other seeds, if it was evaluated again.
    """
    if not len(history):
        return []
    if (row := history.best) is None:
        unknown = [Tile(title, "–", "nothing measured yet") for title in (_SCORE, _TREND, _MET)]
        return [*unknown, _simulations(history)]
    return [_by_mean(luck) or _score(history, row), _trend(history, row), _targets(history, row), _simulations(history)]


def window(history: History) -> int:
    """Return over how many of the last generations the trend is told."""
    return max(8, len(history.numbers) // 10)


def gain(history: History) -> float:
    """Return which share of the best total score was gained over `window`, NaN if the run is too short."""
    best = history.best_so_far(history.total)
    back = window(history)
    if len(best) <= back or not best[-1 - back] > 0:
        return math.nan
    return float((best[-1 - back] - best[-1]) / best[-1 - back])


def _by_mean(luck: Luck | None) -> Tile | None:
    """Return the best by the mean, None if the best was not evaluated again."""
    best = luck.choice.best[0] if luck is not None and luck.choice.by_mean else None
    if best is None or best.again is None or best.again.total.mean is None:
        return None
    total = best.again.total
    spread = "" if total.sd is None else f" ± {total.sd:.2g}"
    text = (
        f"the best by the mean of {total.n} other seeds (± standard deviation); generation {best.generation}, "
        f"offspring {best.offspring}, of which the optimiser saw {best.total_score:.4g}"
    )
    return Tile(_SCORE, f"{total.mean:.4g}{spread}", text)


def _score(history: History, row: int) -> Tile:
    best = float(history.total[row])
    place = f"generation {history.generation[row]}, offspring {history.offspring[row]}"
    if len(history.targets) == 1:
        place = f"{elided(history.targets[0].label, 60)} {value_text(history, row, 0)}; {place}"
    if history.start is None:
        return Tile(_SCORE, f"{best:.4g}", place)
    if row == history.start:
        return Tile(_SCORE, f"{best:.4g}", "of the start values; nothing better yet")
    start = float(history.total[history.start])
    if not history.evaluated[history.start]:
        return Tile(_SCORE, f"{best:.4g}", f"{place}; the start values were not evaluated")
    if not history.ok[history.start]:
        return Tile(_SCORE, f"{best:.4g}", f"{place}; the start values were not measured")
    share = f"{(start - best) / start:.0%} below" if start > 0 else "below"
    return Tile(_SCORE, f"{best:.4g}", f"{share} the start values' {start:.4g}; {place}")


def _trend(history: History, row: int) -> Tile:
    title, improved = _TREND, int(history.place[row])
    ago = len(history.numbers) - 1 - improved
    since = "in the last generation" if not ago else f"{plural(ago, 'generation')} ago"
    share, back = gain(history), window(history)
    if history.total[row] == 0:
        return Tile(title, "Perfect", "every target is met exactly", "good")
    if math.isnan(share):
        return Tile(title, "Too early to tell", f"after {plural(len(history.numbers), 'generation')}; best {since}")
    text = f"{f'−{share:.1%}' if share > 0 else 'no gain'} over the last {back} generations; best found {since}"
    if share >= _CLEAR:
        return Tile(title, "Yes", text, "good")
    if share >= _SOME:
        return Tile(title, "Slowly", text)
    return Tile(title, "Levelled off", text, "bad" if (history.scores[row] > 1).any() else "plain")


def _targets(history: History, row: int) -> Tile:
    scores = history.scores[row]
    met, total = int((scores <= 1).sum()), len(scores)
    text = "within 1 norm by the best"
    if history.start is not None and history.evaluated[history.start]:
        text += f" ({int((history.scores[history.start] <= 1).sum())} by the start values)"
    return Tile(_MET, f"{met} of {total}", text, "good" if met == total else "plain" if met else "bad")


def _simulations(history: History) -> Tile:
    ok = int(history.ok.sum())
    last = history.place == history.place[-1]
    failed, lost = (int((last & kind).sum()) for kind in (history.evaluated & ~history.ok, ~history.evaluated))
    text = f"{plural(len(history), 'evaluation')} in {plural(len(history.numbers), 'generation')}"
    text += f"; {failed} of {int(last.sum())} of the last one exploded or failed"
    text += f", {lost} not evaluated" if lost else ""
    share = ok / len(history)
    return Tile("Measured", f"{share:.0%}", text, "good" if share > 0.8 else "bad" if share < 0.5 else "plain")


def progress(history: History) -> tuple[int, int | None]:
    """Return how many generations are complete, and how many there will be if the configuration says so."""
    return len(history.numbers), generations_of(history.config)


def pace(history: History) -> str:
    """Return how long the last generations took, and the rest would take at their pace; empty if unknown."""
    done, most = progress(history)
    submitted, _, finished = history.times.values()
    first = [np.nanmin(part) for part in np.split(submitted, history.ends[:-1]) if np.isfinite(part).any()]
    if len(first) < 1 or len(first) != done or not np.isfinite(finished).any():
        return ""
    last = first[-5:]
    each = float((np.nanmax(finished) - last[0]) / len(last))
    if each <= 0:
        return ""
    text = f"{format_duration(each)} per generation of late"
    left = (most or 0) - done
    return f"{text}; {plural(left, 'generation')} to go, about {format_duration(left * each)}" if left > 0 else text


def good_news(history: History) -> list[str]:
    """Return what is as it should be."""
    if not len(history) or (row := history.best) is None or (history.scores[row] > 1).any():
        return []
    return ["Every target of the best evaluation is within 1 norm."]


def findings(history: History, luck: Luck | None = None) -> list[str]:
    """Return what deserves a look, the most urgent first; with `luck`, norms that are below the noise."""
    if not len(history):
        return []
    of_best = [*_worst(history, history.best), *_at_bounds(history, history.best)] if history.best is not None else []
    noise = [f"{text[0].upper()}{text[1:]}." for text in (luck.warnings if luck is not None else ())]
    return [
        *_never_measured(history),
        *noise,
        *of_best,
        *_failures(history),
        *_not_evaluated(history),
        *_misfits(history),
    ]


def _worst(history: History, row: int) -> list[str]:
    scores = history.scores[row]
    worst = [n for n in np.argsort(-scores, kind="stable") if scores[n] > 1]
    if not worst:
        return []
    named = "; ".join(
        f"{elided(history.targets[n].label, 60)} at {scores[n]:.3g} norms: {value_text(history, row, n)}"
        for n in worst[:3]
    )
    more = f"; and {plural(len(worst) - 3, 'target')} more" if len(worst) > 3 else ""
    return [f"Furthest from what is wanted: {named}{more}."]


def _never_measured(history: History) -> list[str]:
    if not history.ok.any():
        return ["No evaluation was measured: every offspring exploded or failed. See the failures below."]
    none = np.flatnonzero(np.isnan(history.values[history.ok]).all(axis=0))
    texts = []
    for n in none[:3]:
        reasons = [reason[history.targets[n].label] for reason in history.details["reasons"][history.ok][:200]
                   if history.targets[n].label in reason]  # fmt: skip
        why = f": {elided(str(reasons[-1]), 160)}" if reasons else ""
        texts.append(f"{elided(history.targets[n].label, 60)} never had a value{why}.")
    if len(none) > 3:
        texts.append(f"{plural(len(none) - 3, 'more target')} never had a value.")
    return texts


def _at_bounds(history: History, row: int) -> list[str]:
    place = between_bounds(history, row)
    near = np.flatnonzero(near_bounds(history, place))
    if not len(near):
        return []
    named = ", ".join(
        f"{elided(history.parameters[n].name, 60)} ({'lower' if place[n] < 0.5 else 'upper'})" for n in near[:4]
    )
    more = f" and {len(near) - 4} more" if len(near) > 4 else ""
    return [f"The best evaluation is at a bound of {named}{more}; wider bounds may allow better."]


def _failures(history: History) -> list[str]:
    recent = history.place >= history.place[-1] - window(history) + 1
    failed = recent & history.evaluated & ~history.ok
    share = failed.sum() / recent.sum()
    if share < 0.2:
        return []
    kinds, counts = np.unique(history.outcome[failed].astype(str), return_counts=True)
    named = ", ".join(f"{kind} {count}" for kind, count in zip(kinds, counts, strict=True))
    return [f"{share:.0%} of the last {plural(int(recent.sum()), 'evaluation')} exploded or failed ({named})."]


def _not_evaluated(history: History) -> list[str]:
    """Say how much the cluster lost, or had no room for, of late: the optimiser was told nothing of it."""
    recent = history.place >= history.place[-1] - window(history) + 1
    lost = recent & ~history.evaluated
    if not lost.any():
        return []
    kinds, counts = np.unique(history.outcome[lost].astype(str), return_counts=True)
    named = ", ".join(f"{kind} {count}" for kind, count in zip(kinds, counts, strict=True))
    return [
        (
            f"{int(lost.sum())} of the last {plural(int(recent.sum()), 'evaluation')} were not evaluated, because the "
            f"cluster lost their jobs or had no room for them until the timeout ({named})."
        )
    ]


def _misfits(history: History) -> list[str]:
    """Return targets that no evaluation has ever met, though each was measured."""
    if not history.ok.any() or len(history.numbers) < 3:
        return []
    measured = ~np.isnan(history.values[history.ok]).all(axis=0)
    never = np.flatnonzero(measured & (history.scores > 1).all(axis=0))
    if not len(never):
        return []
    named = ", ".join(elided(history.targets[n].label, 60) for n in never[:3])
    more = f" and {len(never) - 3} more" if len(never) > 3 else ""
    return [f"No evaluation so far met {named}{more}."]
