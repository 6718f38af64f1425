"""How far off the model of the values was, how noisy it says that values are, and whether it knew what explodes."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero, log_domain
from orchestrator.report.figures.common import labels, nothing, target_names, why_nothing_of_model
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.naming import elided
from orchestrator.report.palette import BAD, GOOD, INK, MUTED, ORIGINS
from orchestrator.report.scene import Axis, Figure, Line, Panel, Pick, Points, Rule, Selector, Span, Symbol

# in the arrays of `orchestrator.optimisers.models.calibration.Calibration.state`, the first and the second
_KINDS: tuple[tuple[str, str, Symbol], ...] = (("samples", "sample", "square"), ("proposals", "model", "dot"))
_ROW, _RECENT, _MOST_NAMED = 22, 10, 6
# standardised errors that are no reason to worry
_FINE = (0.5, 2.0)


@figure(section="model", order=30, half=True, needs=("model_last_error", "model_last_values"))
def model_calibration(run: Checkpoint | History) -> Figure:
    """Return the root mean square of the standardised errors of every target, of samples and of proposals.

    Choices: ``window`` (the last generations, or all).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "How far off the model was"
    # what a state says is of the block before it
    errors = history.distribution.get("model_last_error", np.zeros((0, 0, 0)))[1:]
    counts = np.nan_to_num(history.distribution.get("model_last_values", np.zeros((0, 0, 0)))[1:])
    if not len(history) or not counts.sum():
        return nothing("model_calibration", title, why_nothing_of_model(history))
    windows = [slice(-_RECENT, None), slice(None)]
    pooled = [_pooled(errors[window], counts[window]) for window in windows]
    at = np.arange(len(history.targets), dtype=float)
    notes = tuple(tuple(" / ".join(map(_short, pair)) for pair in each.T) for each in pooled)
    end = float(np.clip(np.nanmax(pooled, initial=0.0) * 1.06, 2.5, 6.0))
    panel = Panel(
        Axis("standardised error", (0.0, end)),
        Axis(
            "", (-0.5, len(at) - 0.5), rows=target_names(history), full=labels(history), notes=Pick("window", notes),
        ),
        (
            Span("x", *_FINE, GOOD, "about as expected", 0.12),
            Rule("x", 1.0, MUTED, dashed=False),
            *(
                Points(
                    Pick("window", tuple(each[n] for each in pooled)), at, ORIGINS[origin], name, 4.5, symbol,
                )
                for n, (name, origin, symbol) in enumerate(_KINDS)
            ),
        ),
        height=_ROW * max(1, len(at)),
    )  # fmt: skip
    caption = (
        "Root mean square, in the standard deviations that the model expected: 1 where it knows how wrong it is. "
        "Beside: of samples / proposals. The last generation is compared when the next one is told."
    )
    options = (f"the last {_RECENT} generations", "all generations")
    return Figure("model_calibration", title, caption, (panel,), (Selector("window", "Of", options),))


@figure(section="model", order=40, half=True, needs=("model_noise",))
def model_noise(run: Checkpoint | History) -> Figure:
    """Return the noise of every target in norms, as the model has learnt it.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Noise beside the norm"
    noises = history.distribution.get("model_noise", np.zeros((0, 0)))
    known = np.flatnonzero(np.isfinite(noises).any(axis=1)) if noises.ndim == 2 else np.zeros(0, dtype=int)
    if not len(history) or not len(known):
        return nothing("model_noise", title, why_nothing_of_model(history))
    noise = noises[known[-1]]
    at = np.arange(len(noise), dtype=float)
    loud = noise > 1
    low, high = log_domain(noise, 1.0)
    panel = Panel(
        Axis("noise, in norms", (min(low, 0.1), max(high, 2.0)), "log"),
        Axis(
            "", (-0.5, len(at) - 0.5), rows=target_names(history), full=labels(history),
            notes=tuple(_noise_note(history, n, noise[n]) for n in range(len(at))),
        ),
        (
            Rule("x", 1.0, MUTED, "1 norm"),
            Points(noise[~loud], at[~loud], GOOD, "within the norm", 4.5, "dot"),
            Points(noise[loud], at[loud], BAD, "above the norm !", 5, "diamond"),
        ),
        height=_ROW * max(1, len(at)),
    )  # fmt: skip
    caption = (
        "Standard deviation of a value near what is wanted if its point is evaluated again, by the model that proposed "
        "for the last generation. Beside: the same in the target's unit, and the norm."
    )
    if loud.any():
        named = [elided(history.targets[n].label, 60) for n in np.flatnonzero(loud)]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        caption += f" Above the norm, where a score is luck: {', '.join(named[:_MOST_NAMED])}{more}."
    return Figure("model_noise", title, caption, (panel,))


@figure(section="model", order=50, needs=("model_last_rows", "model_last_predicted", "model_last_exploded"))
def model_explosions(run: Checkpoint | History) -> Figure:
    """Return how many explosions the model expected so far, and how many there were.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Explosions, expected and observed"
    names = ("rows", "predicted", "exploded", "brier")
    arrays = [history.distribution.get(f"model_last_{name}", np.zeros((0, 2)))[1:] for name in names]
    rows, predicted, exploded, brier = (np.nan_to_num(each) for each in arrays)
    if not len(history) or not rows.sum():
        return nothing("model_explosions", title, why_nothing_of_model(history))
    x = np.arange(len(rows), dtype=float)
    expected, observed = np.cumsum(rows * predicted, axis=0), np.cumsum(rows * exploded, axis=0)
    panels, said = [], []
    for n, (name, _, _) in enumerate(_KINDS):
        panels.append(
            Panel(
                Axis("generation", (-0.5, max(float(x[-1]), 0.0) + 0.5), whole=True),
                Axis("explosions so far", from_zero(expected, observed, 1.0)),
                (
                    Line(x, expected[:, n], INK, "expected", 1.6, dashed=True),
                    Line(x, observed[:, n], BAD, "observed", 2.0, step=True),
                ),
                f"{name}",
                190,
            )
        )
        total = rows[:, n].sum()
        score = float((rows * brier)[:, n].sum() / max(total, 1.0))
        said.append(
            f"Of {int(total):,} {name} {expected[-1, n]:.3g} were expected to explode and {observed[-1, n]:.0f} did "
            f"(Brier score {score:.2g})."
        )
    caption = f"{' '.join(said)} Running out of memory or time counts as an explosion here."
    return Figure("model_explosions", title, caption, tuple(panels))


def _pooled(errors: FloatArray, counts: FloatArray) -> FloatArray:
    """Return the root mean square over several blocks, shape (2, n_targets), NaN where there is no value."""
    total = counts.sum(axis=0)
    squares = (np.nan_to_num(errors) ** 2 * counts).sum(axis=0)
    return np.asarray(np.where(total > 0, np.sqrt(squares / np.maximum(total, 1.0)), np.nan))


def _short(number: float) -> str:
    return f"{number:.2g}" if math.isfinite(number) else "–"


def _noise_note(history: History, n: int, noise: float) -> str:
    wanted = history.targets[n]
    if not math.isfinite(noise):
        return "not known"
    if not math.isfinite(wanted.norm):
        return f"{noise:.2g} norms"
    return f"{noise * wanted.norm:.2g}, norm {wanted.norm:.3g} {wanted.unit}".strip()
