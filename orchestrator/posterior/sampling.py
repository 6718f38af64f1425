"""Samples of a run's posterior distribution, and what there is to say against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from orchestrator.errors import UsageError
from orchestrator.posterior.calibration import calibrated
from orchestrator.posterior.chain import Chain
from orchestrator.posterior.fitting import Posterior, posterior_of
from orchestrator.posterior.observed import Observed
from orchestrator.posterior.predicted import QUANTILES, Predicted, PredictedTrace
from orchestrator.posterior.ranks import Ranks
from orchestrator.posterior.samples import Quality, Samples
from orchestrator.records import FloatArray

# of the standard deviation of the data, a model that is less exact than this widens the posterior by 5 % or more
_EXACT = 0.3
# errors that are so many times as large as the model expects are none of the noise of simulations
_SURPRISING = 2.0
# standard deviations that the best evaluation may be off
_FITS = 3.0
# samples that uncertainty and predictions are computed at
_LOOKED_AT = 500
# predicted traces that are kept, and times of each
_TRACES, _TIMES = 40, 500


def sampled(
    observed: Observed,
    number: int,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
    calibrations: int = 0,
) -> Samples:
    """Return samples of the posterior distribution.

    Parameters
    ----------
    observed : Observed
        Evaluations and data.
    number : int
        How many samples at most.
    seed : int
        Of the random numbers.
    say : callable
        Is told how it goes on.
    calibrations : int
        How many posteriors of data with known parameters are compared with these; 0 for none. If they are refused, that
        is a warning.

    Raises
    ------
    orchestrator.errors.UsageError
        As `posterior_of`.
    """
    found = posterior_of(observed, seed, say)
    points, logarithms = found.chain.thinned(number)
    qualities = _qualities(observed, found)
    calibration, against = _calibration(observed, found, calibrations, seed, say) if calibrations else (None, [])
    return Samples(
        names=observed.space.names,
        values=values_of(observed, points),
        logarithms=logarithms,
        blocks=observed.blocks,
        evaluations=len(observed.archive.points),
        learnt=len(found.near),
        near=int(found.near.sum()),
        times=found.chain.times.tolist(),
        effective=found.chain.effective,
        qualities=qualities,
        warnings=_warnings(found, qualities) + against,
        predicted=_predicted(observed, found, seed),
        calibration=calibration,
    )


def _calibration(
    observed: Observed, found: Posterior, number: int, seed: int, say: Callable[[str], None]
) -> tuple[Ranks | None, list[str]]:
    """Return ranks, None if they are refused, and warnings: why, or what they do not test. The samples are kept."""
    try:
        ranks = calibrated(observed, found, number, seed, say)
    except UsageError as error:
        return None, [f"not calibrated: {error}"]
    silent = found.emulator.silent
    return ranks, [f"calibration says nothing of what {_listed(silent)} constrain"] if silent else []


def values_of(observed: Observed, points: FloatArray) -> FloatArray:
    """Return the parameters at points of the cube, in their own units, shape (n_points, n_parameters)."""
    return np.array([list(observed.space.decode(point).values()) for point in points], dtype=float)


def _qualities(observed: Observed, found: Posterior) -> list[Quality]:
    uncertainty = found.emulator.uncertainty(found.chain.thinned(_LOOKED_AT)[0])
    columns = (observed.problem.targets, *found.emulator.errors(found.near), uncertainty, misfits(observed))
    return [Quality(label, *map(float, numbers)) for label, *numbers in zip(*columns, strict=True)]


def misfits(observed: Observed) -> FloatArray:
    """Return how far off the value of each target is of the evaluation that is nearest, in deviations of the data."""
    archive = observed.archive
    found = []
    for quantity, rows in zip(archive.quantities, archive.rows, strict=True):
        components = quantity.components(rows[np.isfinite(rows).all(axis=1) & ~archive.failed], 1.0)
        found.append(components.distances(components.numbers).min())
    return np.array(found) / observed.noise


def _warnings(found: Posterior, qualities: Sequence[Quality]) -> list[str]:
    warnings = warnings_of_walk(found.chain)
    near = int(found.near.sum())
    if near < found.chain.points.shape[2] + 2:
        warnings.append(
            f"only {near} of {len(found.near)} evaluations of the model are near the posterior: evaluate more there"
        )
    if wide := [each for each in qualities if each.uncertainty > _EXACT]:
        warnings.append(
            f"the model is not exact enough for {_some(wide)}: where the posterior is, it is uncertain by more than "
            f"{_EXACT:g} standard deviations of the data, which makes the posterior wider; evaluate more there"
        )
    off = [each for each in qualities if not each.error <= _EXACT]
    if wrong := [each for each in off if not each.standard <= _SURPRISING]:
        warnings.append(
            f"the model of {_some(wrong)} is farther off than it expects, so that the posterior may be wrong: evaluate "
            "more there"
        )
    if noisy := [each for each in off if each.standard <= _SURPRISING]:
        warnings.append(
            f"single evaluations of {_some(noisy)} are off by more than {_EXACT:g} standard deviations of the data, as "
            "the model expects of so few, or of noise between seeds: evaluate more there, or let orchestrator best RUN "
            "--reevaluate 3 measure the noise, which then counts"
        )
    return warnings + warnings_of_fit(qualities)


def warnings_of_walk(chain: Chain) -> list[str]:
    """Return what there is to say against the samples of a chain."""
    if chain.long_enough:
        return []
    warning = (
        f"the walkers have not gone far enough: {len(chain.points)} steps, and autocorrelation times of up to "
        f"{chain.times.max():.0f}; widths may be wrong"
    )
    return [warning]


def warnings_of_fit(qualities: Sequence[Quality]) -> list[str]:
    """Return what there is to say if the model does not fit the data."""
    unfit = [each for each in qualities if each.misfit > _FITS]
    if not unfit:
        return []
    warning = (
        f"no evaluation is nearer to the data than {_FITS:g} of their standard deviations in {_some(unfit)}: the "
        "posterior takes the model for true; give the target a larger norm, or a larger --noise"
    )
    return [warning]


def _some(qualities: Sequence[Quality]) -> str:
    return _listed([each.target for each in qualities])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _predicted(observed: Observed, found: Posterior, seed: int) -> Predicted:
    """Return what simulations would give at samples, without noise between seeds or of the data."""
    points = found.chain.thinned(_LOOKED_AT)[0]
    values, differences = found.emulator.drawn(points, np.random.default_rng([seed, len(points)]))
    labels = observed.problem.targets
    traces = [_trace(observed, n, rows, labels[n]) for n, rows in differences.items() if n in observed.traces]
    return Predicted(labels, np.quantile(values, QUANTILES, axis=0), traces[:_TRACES])


def _trace(observed: Observed, target: int, differences: FloatArray, label: str) -> PredictedTrace:
    """Return quantiles of samples of a trace, from those of its differences from the data, in norms."""
    data, archive = observed.traces[target], observed.archive
    in_unit = archive.quantities[target].scale.norm / data.factors
    step = max(1, -(-len(data.times) // _TIMES))
    bands, best = (
        (data.values + rows * in_unit)[..., ::step]
        for rows in (np.quantile(differences, QUANTILES, axis=0), archive.rows[target][archive.best])
    )
    return PredictedTrace(label, data.unit, data.times[::step], bands, data.values[::step], best)
