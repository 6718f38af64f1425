"""What a run's evaluations say of each parameter: samples of the posterior distribution beside the prior."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.space import Parameter
from orchestrator.posterior.samples import Samples
from orchestrator.records import FloatArray
from orchestrator.report.domains import Domain, around, from_zero, log_domain
from orchestrator.report.figures.common import (
    NOTHING_YET,
    correlation_limit,
    correlation_of,
    names,
    nothing,
    parameter_choice,
    parameter_names,
    steps,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.naming import plural
from orchestrator.report.palette import BLUE, CORRELATION, INK, LIGHT_BLUE, MUTED
from orchestrator.report.scene import Axis, Band, Figure, Heat, Line, Panel, Pick, Points, Selector

_BINS, _GRID, _FINE, _DRAWN = 25, 400, 10_000, 1500


def _has_samples(history: History) -> bool:
    return history.posterior is not None


@figure(section="posterior", order=10, when=_has_samples)
def posterior_pair(run: Checkpoint | History) -> Figure:
    """Return the posterior of two parameters, each beside its prior and both together.

    Choices: ``parameter``, ``other`` (any parameter).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Posterior of two parameters"
    samples = history.posterior
    if samples is None:
        return nothing("posterior_pair", title, _why_none(history))
    keys = ("parameter", "other")
    marginals = [_marginal(history, samples, key) for key in keys]
    rows = np.linspace(0, len(samples.values) - 1, min(_DRAWN, len(samples.values))).astype(int)
    x, y = (Pick(key, tuple(samples.values[rows].T)) for key in keys)
    marks = [Points(x, y, BLUE, "samples", 1.6, opacity=0.3)]
    if history.best is not None:
        x, y = (Pick(key, tuple(history.points[history.best][:, None])) for key in keys)
        marks.append(Points(x, y, INK, "best evaluation", 5, "diamond"))
    together = Panel(marginals[0].x, _axis(history, samples, "other"), tuple(marks), height=260)
    last = len(history.parameters) - 1
    choices = (parameter_choice(history), Selector("other", "Other", names(history), min(1, last)))
    return Figure("posterior_pair", title, _caption(history, samples), (*marginals, together), choices)


@figure(section="posterior", order=20, when=_has_samples)
def posterior_correlation(run: Checkpoint | History) -> Figure:
    """Return the correlations of all parameters in the posterior.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Correlations in the posterior"
    samples, n = history.posterior, len(history.parameters)
    if samples is None or n < 2:
        return nothing("posterior_correlation", title, "There is one parameter." if samples else _why_none(history))
    cells = correlation_of(np.cov(_coordinates(history, samples).T))
    limit = correlation_limit([cells])
    stops = tuple((at * limit, colour) for at, colour in CORRELATION)
    axis = Axis("", (-0.5, n - 0.5), rows=parameter_names(history), full=names(history))
    heat = Heat(cells, stops, "correlation", None, ("other", "parameter"))
    caption = (
        "Parameters are compared on their scales. What the data say of a pair that is strongly correlated is a "
        "combination of the two, and less of either."
    )
    return Figure("posterior_correlation", title, caption, (Panel(axis, axis, (heat,), height=17 * n),))


def _why_none(history: History) -> str:
    return "orchestrator posterior RUN draws samples of it." if len(history) else NOTHING_YET


def _caption(history: History, samples: Samples) -> str:
    of_model = f"of a model of {samples.learnt} of {plural(samples.evaluations, 'evaluation')}"
    parts = [f"{len(samples.values):,} samples, {of_model}."]
    if len(history.numbers) > samples.blocks:
        parts.append("There are newer evaluations: orchestrator posterior RUN takes them in.")
    return " ".join([*parts, *(f"! {warning}." for warning in samples.warnings)])


def _marginal(history: History, samples: Samples, key: str) -> Panel:
    """Return the density of the parameter that is chosen under a key, and its prior."""
    columns = list(zip(history.parameters, _coordinates(history, samples).T, strict=True))
    histograms = [_histogram(parameter, column) for parameter, column in columns]
    priors = [_prior(history, n, column) for n, (_, column) in enumerate(columns)]
    ends = tuple(from_zero(high, prior) for (_, high), (_, prior) in zip(histograms, priors, strict=True))
    across = Pick(key, tuple(x for x, _ in histograms))
    band = Band(
        across, Pick(key, tuple(np.zeros_like(high) for _, high in histograms)),
        Pick(key, tuple(high for _, high in histograms)), LIGHT_BLUE, "posterior", 0.8, True,
    )  # fmt: skip
    line = Line(Pick(key, tuple(x for x, _ in priors)), Pick(key, tuple(y for _, y in priors)), MUTED, "prior", 1.8)
    return Panel(_axis(history, samples, key), Axis("density, 1 / range", Pick(key, ends)), (band, line), height=260)


def _axis(history: History, samples: Samples, key: str) -> Axis:
    domains = tuple(_domain(each, column) for each, column in zip(history.parameters, samples.values.T, strict=True))
    scales = tuple("log" if each.log else "linear" for each in history.parameters)
    return Axis(Pick(key, names(history)), Pick(key, domains), Pick(key, scales))


def _domain(parameter: Parameter, values: FloatArray) -> Domain:
    """Return ends that hold the samples; the bounds may be far away."""
    return log_domain(values) if parameter.log else around(values)


def _coordinates(history: History, samples: Samples) -> FloatArray:
    """Return the samples between the widest bounds, in the unit cube, shape (n_samples, n_parameters)."""
    columns = zip(history.parameters, samples.values.T, strict=True)
    return np.column_stack([[each.encode(value) for value in column] for each, column in columns])


def _histogram(parameter: Parameter, coordinates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the outline of a histogram: values of the parameter, and densities in the unit interval."""
    low, high = float(coordinates.min()), float(coordinates.max())
    room = parameter.step / 2 or (high - low) * 1e-3 or 1e-3
    edges = np.linspace(low - room, high + room, _bins(parameter, high - low) + 1)
    density, _ = np.histogram(coordinates, edges, density=True)
    return np.repeat(_values(parameter, edges), 2)[1:-1], steps(density)


def _bins(parameter: Parameter, width: float) -> int:
    """Return how many bins there are: one for each whole number or value of a choice, if these are few."""
    return min(_BINS, round(width / parameter.step) + 1) if parameter.step else _BINS


def _prior(history: History, number: int, coordinates: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return values of a parameter where the samples are, and the density of its prior in the unit interval."""
    parameter = history.parameters[number]
    if parameter.moving is not None:
        values = history.space.prior_values(_DRAWN)[:, number]
        return _histogram(parameter, np.array([parameter.encode(value) for value in values]))
    whole = parameter.log_prior((np.arange(_FINE) + 0.5) / _FINE)
    grid = np.linspace(float(coordinates.min()), float(coordinates.max()), _GRID)
    density = np.exp(parameter.log_prior(grid) - whole.max()) / np.exp(whole - whole.max()).mean()
    return _values(parameter, grid), density


def _values(parameter: Parameter, coordinates: FloatArray) -> FloatArray:
    """Return values of a parameter at coordinates, shape (n,)."""
    return np.array([parameter.unrounded(float(each)) for each in coordinates])
