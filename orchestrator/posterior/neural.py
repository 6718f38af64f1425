"""Samples of a run's posterior distribution by networks, which learn from many evaluations (package sbi)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from orchestrator.errors import UsageError
from orchestrator.optimisers.models.archive import Flags
from orchestrator.optimisers.models.proposer import libraries
from orchestrator.optimisers.space import SearchSpace
from orchestrator.posterior import Method
from orchestrator.posterior.chain import Chain, emcee_package, explore, walkers_for
from orchestrator.posterior.examples import Examples, examples_of
from orchestrator.posterior.fitting import Ellipsoid
from orchestrator.posterior.networks import LogDensity, one_thread, trained
from orchestrator.posterior.observed import Observed
from orchestrator.posterior.samples import Quality, Samples
from orchestrator.posterior.sampling import misfits, sampled, values_of, warnings_of_fit, warnings_of_walk
from orchestrator.records import FloatArray

# fewer evaluations are nothing to learn from; so many of them for each parameter and one should be near
_FEWEST, _NEAR_EACH = 50, 10
# distance from the mean of the first posterior in its standard deviations, beyond that of most samples, to which
# evaluations are learnt again, and that of those that are near; steps of the walkers of the first
_FAR, _NEAR, _STEPS = 5.0, 2.0, 500
# how many networks are averaged, and how far their means, in standard deviations, and the logarithms of their widths
# may be apart
_NETWORKS, _MEANS, _WIDTHS = 2, 0.3, 0.25
# of the hypothesis that points are even, below which they are not
_UNEVEN = 1e-3
_LOOKED_AT = 2000


@dataclass(frozen=True)
class _Found:
    """What was found.

    Parameters
    ----------
    chain : Chain
        Samples.
    apart : tuple of float
        How far the means of the networks are apart, in standard deviations, and the logarithms of these.
    learnt : ndarray of bool, shape (n_points,)
        The examples that the networks have learnt.
    """

    chain: Chain
    apart: tuple[float, float]
    learnt: Flags


def sampled_by(
    method: Method,
    observed: Observed,
    number: int,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
    *,
    calibrations: int = 0,
) -> Samples:
    """Return samples of the posterior distribution by any method, as `sampled` and `sampled_by_networks` do.

    Raises
    ------
    orchestrator.errors.UsageError
        As these two; if calibrations are asked of networks, each of which would take as long as the first.
    """
    if method is Method.GP:
        return sampled(observed, number, seed, say, calibrations)
    if calibrations:
        raise UsageError(f"--calibrate: expected --method gp, whose model needs no training, got {method.value}")
    return sampled_by_networks(method, observed, number, seed, say)


def sampled_by_networks(
    method: Method, observed: Observed, number: int, seed: int = 0, say: Callable[[str], None] = lambda _: None
) -> Samples:
    """Return samples of the posterior distribution.

    A first network learns all evaluations. Those that are near the samples of the posterior that it gives are learnt
    again by networks whose average is taken: which of the parameters are looked at changes neither a likelihood nor,
    where points were drawn evenly, a posterior (truncated proposals: Deistler, Goncalves & Macke 2022, NeurIPS).

    Parameters
    ----------
    method : Method
        Of networks.
    observed : Observed
        Evaluations and data.
    number : int
        How many samples at most.
    seed : int
        Of the random numbers.
    say : callable
        Is told how it goes on.

    Raises
    ------
    orchestrator.errors.UsageError
        If too few evaluations have a value of each target, a package is not installed, or networks find nothing.
    """
    examples = examples_of(observed)
    if len(examples.points) < _FEWEST:
        raise UsageError(
            f"posterior: --method {method.value} expects {_FEWEST} or more evaluations with a value of every target, "
            f"got {len(examples.points)}: evaluate more, or take --method gp"
        )
    if method is Method.NPE:
        # whole numbers have a density only if each has an interval
        points, without = (_within_steps(each, observed.space, seed) for each in (examples.points, examples.without))
        examples = replace(examples, points=points, without=without)
    emcee_package()  # if it is not there, nothing is computed
    try:
        with libraries().limit(limits=1), one_thread():
            found = _Search(observed, method, examples, seed, say).found()
    except (ArithmeticError, AssertionError, RuntimeError, ValueError) as error:  # of sbi and torch
        raise UsageError(f"posterior: the networks cannot be trained ({error})") from error
    return _samples(method, observed, examples, found, number)


def _samples(method: Method, observed: Observed, examples: Examples, found: _Found, number: int) -> Samples:
    points, logarithms = found.chain.thinned(number)
    near = Ellipsoid.of(found.chain.flat, _NEAR)
    qualities = [
        Quality(label, np.nan, np.nan, np.nan, float(misfit))
        for label, misfit in zip(observed.problem.targets, misfits(observed), strict=True)
    ]
    n_near = int(near.holds(examples.points[found.learnt]).sum())
    warnings = [
        *warnings_of_walk(found.chain),
        *_warnings(method, examples, found, near, n_near),
        *warnings_of_fit(qualities),
    ]
    return Samples(
        names=observed.space.names,
        values=values_of(observed, points),
        logarithms=logarithms,
        blocks=observed.blocks,
        evaluations=len(observed.archive.points),
        learnt=int(found.learnt.sum()),
        near=n_near,
        times=found.chain.times.tolist(),
        effective=found.chain.effective,
        qualities=qualities,
        warnings=warnings,
        method=method,
    )


def _within_steps(points: FloatArray, space: SearchSpace, seed: int) -> FloatArray:
    """Return points moved to anywhere in the intervals of their whole numbers, and of the values of choices."""
    moved, shares = np.array(points, dtype=float), np.random.default_rng([seed, 1]).random(points.shape)
    for point, own in zip(moved, shares, strict=True):
        values = space.decode(point)
        for n, each in enumerate(space.beside(values)):
            if each.step:
                middle, value = each.encode(values[each.name]), values[each.name]
                # a whole number has what is rounded to it
                ends = [middle - each.step / 2, middle + each.step / 2]
                low, high = ends if each.choice is not None else (each.encode(value - 0.5), each.encode(value + 0.5))
                point[n] = low + own[n] * (high - low)
    return np.asarray(moved)


class _Search:
    def __init__(self, observed: Observed, method: Method, examples: Examples, seed: int, say: Callable[[str], None]):
        self._observed, self._method, self._say = observed, method, say
        self._rng = np.random.default_rng(seed)
        self._examples = examples

    def found(self) -> _Found:
        points = self._examples.points
        self._say(f"a network learns {len(points)} evaluations")
        first = self._trained(np.ones(len(points), dtype=bool))
        chain = self._explored([first], self._around_the_best(), None, _STEPS)
        region = Ellipsoid.of(chain.flat, _FAR)
        learnt = region.distances(points) <= max(region.reach, np.sort(region.distances(points))[_FEWEST - 1])
        self._say(f"{_NETWORKS} networks learn the {int(learnt.sum())} evaluations near the posterior")
        networks = [self._trained(learnt) for _ in range(_NETWORKS)]
        self._say("samples under the average of these networks")
        chain = self._explored(networks, chain.flat, region, None)
        return _Found(chain, self._apart(networks, chain), learnt)

    def _trained(self, learnt: Flags) -> LogDensity:
        density = trained(self._method, self._examples.only(learnt), int(self._rng.integers(2**31)))
        if self._method is Method.NPE:
            return density
        return lambda points: density(self._observed.problem.snapped(points))

    def _around_the_best(self) -> FloatArray:
        """Return where walkers begin, shape (n_points, n_parameters): around the evaluations nearest to the data."""
        points = self._examples.points
        nearest = points[np.argsort((self._examples.distances**2).sum(axis=1), kind="stable")[: points.shape[1] + 10]]
        drawn = nearest[self._rng.integers(len(nearest), size=10 * walkers_for(points.shape[1]))]
        width = nearest.std(axis=0) + self._observed.problem.steps
        return np.asarray(np.clip(drawn + 0.1 * width * self._rng.standard_normal(drawn.shape), 0.0, 1.0))

    def _explored(
        self, networks: Sequence[LogDensity], begin: FloatArray, region: Ellipsoid | None, steps: int | None
    ) -> Chain:
        space = self._observed.space

        def log_probability(points: FloatArray) -> FloatArray:
            inside = ((points >= 0) & (points <= 1)).all(axis=1)
            if region is not None:
                inside &= region.holds(points)
            found = np.full(len(points), -np.inf)
            if inside.any():
                found[inside] = _average([each(points[inside]) for each in networks]) + space.log_prior(points[inside])
            return np.where(np.isnan(found), -np.inf, found)

        walkers = begin[self._rng.choice(len(begin), walkers_for(len(space)), replace=False)]
        return explore(log_probability, walkers, int(self._rng.integers(2**31)), steps)

    @staticmethod
    def _apart(networks: Sequence[LogDensity], chain: Chain) -> tuple[float, float]:
        """Return how far the networks are apart, by importance sampling from their average."""
        points = chain.thinned(_LOOKED_AT)[0]
        logarithms = [each(points) for each in networks]
        weights = [np.exp(each - _average(logarithms)) for each in logarithms]
        means = [np.average(points, axis=0, weights=each) for each in weights]
        widths = [
            np.sqrt(np.average((points - mean) ** 2, axis=0, weights=each))
            for mean, each in zip(means, weights, strict=True)
        ]
        return float((np.ptp(means, axis=0) / points.std(axis=0)).max()), float(np.ptp(np.log(widths), axis=0).max())


def _average(logarithms: Sequence[FloatArray]) -> FloatArray:
    return np.asarray(logsumexp(logarithms, axis=0) - np.log(len(logarithms)))


def _warnings(method: Method, examples: Examples, found: _Found, near: Ellipsoid, n_near: int) -> list[str]:
    warnings = []
    if method is Method.NPE and uneven(np.concatenate([examples.points, examples.without])):
        warnings.append(
            "the evaluations are not spread evenly over the ranges, as those of a search are not: --method npe takes "
            "for likely what was evaluated often; take nle or gp, or evaluate points of optimiser.method: sobol, with "
            "optimiser.priors: false"
        )
    if n_near < (wanted := _NEAR_EACH * (examples.points.shape[1] + 1)):
        warnings.append(
            f"only {n_near} of {int(found.learnt.sum())} evaluations that the networks have learnt are near the "
            f"posterior, of {wanted} or more that they need: evaluate more there, or take --method gp"
        )
    if found.apart[0] > _MEANS or found.apart[1] > _WIDTHS:
        warnings.append(
            f"networks that differ by their random numbers do not agree: their means are up to {found.apart[0]:.2g} "
            f"standard deviations apart, and these by up to {np.expm1(found.apart[1]):.0%}; evaluate more near the "
            "posterior, or take --method gp"
        )
    # among draws of the prior, what is left out is unlikely
    if method is Method.NLE and (without := int(near.holds(examples.without).sum())):
        warnings.append(
            f"{without} evaluations near the posterior exploded, or have no value of a target; networks of the "
            "likelihood do not learn that, so that the posterior may reach to where the model does not work"
        )
    return warnings


def uneven(points: FloatArray) -> bool:
    """Return whether a column of points is not uniform in the unit interval (Kolmogorov-Smirnov test)."""
    from scipy.stats import kstest  # noqa: PLC0415  (takes long to import)

    return any(kstest(column, "uniform").pvalue < _UNEVEN / points.shape[1] for column in points.T)
