"""A posterior distribution for people: what is known of each parameter, what goes together, how good the model is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.posterior import Method
from orchestrator.posterior.ranks import UNCONSTRAINED, Ranks
from orchestrator.posterior.samples import Samples
from orchestrator.records import FloatArray

# ends of the interval that is shown, as shares
_LOW, _HIGH = 0.16, 0.84
# width of the posterior as a share of the prior's, below which data constrain a parameter well
_WELL = 0.5
# values of the prior, where that has no formula
_DRAWN = 2000
_MODELS = {
    Method.GP: "a model",
    Method.NLE: "networks of the likelihood",
    Method.NPE: "networks of the posterior",
}
# correlations that are shown, if they are not smaller than this
_MOST, _LEAST = 8, 0.3


def posterior_parts(samples: Samples, space: SearchSpace) -> Iterator[RenderableType]:
    """Yield what is known of each parameter, correlations, how good the model is, and warnings.

    Parameters
    ----------
    samples : Samples
        Of the parameters of the space, in its order.
    space : SearchSpace
        With priors.
    """
    yield _parameters(samples, space)
    yield Text()
    pairs = correlated(samples.values, space)
    if pairs:
        yield _pairs(pairs)
        yield Text()
    yield _qualities(samples)
    yield Text()
    if samples.calibration is not None:
        yield _calibration(samples.calibration)
        yield Text()
    yield Text(
        f"{len(samples.values)} samples of walks that are worth {samples.effective:.0f} independent ones "
        f"(autocorrelation times {min(samples.times):.0f} to {max(samples.times):.0f} steps), under "
        f"{_MODELS[samples.method]} of {samples.learnt} of {samples.evaluations} evaluations, {samples.near} of them "
        "near",
        style="dim",
    )
    for warning in samples.warnings:
        yield Text(f"! {warning}", style="yellow")


def constraint(parameter: Parameter, values: FloatArray, prior: FloatArray | None = None) -> float:
    """Return the width of the posterior, from 16 to 84 %, as a share of the prior's, on the parameter's scale.

    Parameters
    ----------
    parameter : Parameter
        With its prior.
    values : ndarray of float, shape (n_samples,)
        Of the posterior.
    prior : ndarray of float, shape (n,), optional
        Of the prior, if that is known by values: where other parameters decide the bounds.

    Returns
    -------
    float
        NaN where the bounds that others decide meet nearly everywhere.
    """
    low, high = _ends(parameter, values)
    if prior is None:
        return (high - low) / (parameter.prior_quantile(_HIGH) - parameter.prior_quantile(_LOW))
    before_low, before_high = _ends(parameter, prior)
    width = before_high - before_low
    return (high - low) / width if width > 0 else math.nan


def _ends(parameter: Parameter, values: FloatArray) -> tuple[float, float]:
    places = np.sort([parameter.encode(float(value)) for value in values])
    if parameter.step:
        # a value has a share of the interval: samples of it are anywhere in that
        _, first, counts = np.unique(places, return_index=True, return_counts=True)
        within = np.arange(len(places)) - np.repeat(first, counts)
        places = places + ((within + 0.5) / np.repeat(counts, counts) - 0.5) * parameter.step
    low, high = np.quantile(places, [_LOW, _HIGH])
    return float(low), float(high)


def correlated(values: FloatArray, space: SearchSpace) -> list[tuple[str, str, float]]:
    """Return the pairs of parameters whose correlation, on their scales, is strongest, the strongest first."""
    columns = zip(space.parameters, values.T, strict=True)
    scaled = np.array([np.log(column) if each.log else column for each, column in columns])
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = np.atleast_2d(np.corrcoef(scaled))
    pairs = [
        (space.names[one], space.names[other], float(matrix[one, other]))
        for one, other in combinations(range(len(space)), 2)
        if abs(matrix[one, other]) >= _LEAST
    ]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))[:_MOST]


def _parameters(samples: Samples, space: SearchSpace) -> Table:
    table = _table("parameter", "median", "16 %", "84 %", "width / prior's", "data")
    before = space.prior_values(_DRAWN).T if space.moves else ()
    for n, (parameter, values) in enumerate(zip(space.parameters, samples.values.T, strict=True)):
        low, median, high = np.quantile(values, [_LOW, 0.5, _HIGH])
        share = constraint(parameter, values, before[n] if parameter.moving is not None else None)
        little = "constrain it little" if share < UNCONSTRAINED else "do not constrain it"
        words = "leave it to the others" if math.isnan(share) else "constrain it" if share < _WELL else little
        table.add_row(Text(parameter.name), *(f"{each:.5g}" for each in (median, low, high)), f"{share:.2g}", words)
    return table


def _pairs(pairs: Sequence[tuple[str, str, float]]) -> Table:
    table = _table("correlated", "with", "correlation")
    for one, other, correlation in pairs:
        table.add_row(Text(one), Text(other), f"{correlation:.2f}")
    return table


def _qualities(samples: Samples) -> Table:
    of_model = samples.method is Method.GP  # networks predict no values
    headings = ("model's error / sd of data", "expected at samples") if of_model else ()
    table = _table("target", *headings, "best evaluation off")
    for each in samples.qualities:
        numbers = (each.error, each.uncertainty, each.misfit) if of_model else (each.misfit,)
        table.add_row(Text(each.target), *(f"{number:.2g}" for number in numbers))
    return table


def _calibration(found: Ranks) -> Table:
    known = found.widths is not None
    share = ("width / prior's",) if known else ()
    table = _table("calibration", "posterior", "off by", "true ones' spread / sd", *share, "independent ranks")
    for each in found.parameters:
        numbers = (f"{each.bias:+.2f}", f"{each.spread:.2f}", *((f"{each.width:.2g}",) if known else ()))
        table.add_row(Text(each.name), each.verdict, *numbers, f"{each.number}")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table
