"""A model of what simulations would give near some evaluations, and how likely the data are under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.errors import UsageError
from orchestrator.optimisers.models.archive import Archive, Flags, IntArray
from orchestrator.optimisers.models.gaussian_processes import GaussianProcesses
from orchestrator.optimisers.models.metric import Metric
from orchestrator.optimisers.models.quantities import Components, Quantity
from orchestrator.optimisers.models.scores import Scales
from orchestrator.optimisers.models.values import Data, ValueModel, differ, labels, probability
from orchestrator.posterior.likelihood import of_differences, of_numbers, offsets
from orchestrator.posterior.observed import Observed
from orchestrator.records import FloatArray

# fewer values of a target than this are no model
FEWEST = 5
# principal components of differences that are left out have at most this share of the variance, and together at most
# this standard deviation, as a share of the noise
_SHARE, _LEFT_OUT = 1e-3, 0.05


@dataclass(frozen=True)
class Evidence:
    """What data say of each target, as a model sees it.

    Parameters
    ----------
    low, high : ndarray of float, shape (n_numbers,)
        Of targets of which numbers are learnt, in norms from the middle of what the run wants; infinite if open.
    origins : sequence of ndarray of float, each of shape (n_components + 1,)
        Of targets of which differences are learnt, those of the data from the run's own, in norms.
    """

    low: FloatArray
    high: FloatArray
    origins: Sequence[FloatArray]


@dataclass(frozen=True)
class _Differences:
    """A target of which differences are learnt, by their principal components.

    Parameters
    ----------
    target : int
        Which.
    rows : ndarray of int, shape (n_rows,)
        The evaluations that have them.
    components : Components
        Of the differences, in norms.
    mean : ndarray of float, shape (width,)
        Of the differences.
    axes : ndarray of float, shape (n_components, width)
        What each component is a multiple of.
    processes : GaussianProcesses
        Of the components' numbers.
    missing : GaussianProcesses or None
        Of the label 1 where there are none.
    """

    target: int
    rows: IntArray
    components: Components
    mean: FloatArray
    axes: FloatArray
    processes: GaussianProcesses
    missing: GaussianProcesses | None

    def expected(self, coordinates: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of independent differences; the last is what no component changes."""
        mean, deviation = self.processes.predict(coordinates)
        return self.components.residuals(mean), np.pad(deviation, ((0, 0), (0, 1)))

    def origin(self, row: FloatArray, noise: FloatArray) -> FloatArray:
        """Return where data lie that are a row of differences, and noise of each component; the last says nothing."""
        numbers = np.linalg.lstsq(self.axes.T, row - self.mean, rcond=None)[0]
        return np.asarray(self.components.residuals(numbers) + np.append(noise, 0.0))


class Emulator:
    """Gaussian processes of every target's value, or of its differences from the data, and of failures.

    Parameters
    ----------
    observed : Observed
        What is wanted.
    archive : Archive
        The evaluations that are learnt.
    metric : Metric
        Coordinates in which they are learnt.

    Raises
    ------
    orchestrator.errors.UsageError
        If too few different evaluations have a value of a target.
    """

    def __init__(self, observed: Observed, archive: Archive, metric: Metric):
        self.archive = archive
        self._observed, self._metric = observed, metric
        learnt = list(enumerate(archive.quantities))
        self._numbers = [target for target, each in learnt if not each.differences]
        scales = Scales([archive.quantities[target].scale for target in self._numbers])
        rows = [archive.rows[target] for target in self._numbers]
        y = np.hstack(rows) if rows else np.empty((len(archive.points), 0))
        coordinates = metric.of(archive.points)
        self._measured = scales.values(y)
        self._values = ValueModel(Data(coordinates, self._measured, archive.failed), scales)
        self._differences = [self._learnt(target, coordinates) for target, each in learnt if each.differences]
        if unknown := [self._numbers[n] for n in np.flatnonzero(np.isnan(self._values.noise))]:
            _refuse(observed, unknown[0])
        low, high = (
            np.array([getattr(archive.quantities[target].scale, name) for target in self._numbers])
            for name in ("low", "high")
        )
        low, high = ((edge - scales.centre) / scales.norm for edge in (low, high))
        self._own = Evidence(low, high, [np.zeros(1)] * len(self._differences))

    def log_likelihood(self, points: FloatArray, evidence: Evidence | None = None) -> FloatArray:
        """Return the logarithm of the likelihood of the data, or of others, at points of the cube, shape (n_points,).

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            Where.
        evidence : Evidence, optional
            The other data.
        """
        evidence = evidence or self._own
        coordinates = self._metric.of(self._observed.problem.snapped(points))
        expected = self._values.predict(coordinates)
        mean, deviation = self._in_norms(expected.mean, expected.deviation)
        noise = self._observed.noise
        found = of_numbers(mean, deviation, evidence.low, evidence.high, noise[self._numbers]).sum(axis=1)
        with np.errstate(divide="ignore"):
            found += np.log1p(-expected.no_value).sum(axis=1) + np.log1p(-expected.fails)
            for each, origin in zip(self._differences, evidence.origins, strict=True):
                mean, deviation = each.expected(coordinates)
                found += of_differences(mean - origin, deviation, float(noise[each.target]))
                if each.missing is not None:
                    found += np.log1p(-probability(each.missing.mean(coordinates))[:, 0])
        return np.asarray(found)

    def without(self, row: int) -> Emulator:
        """Return the model of all evaluations but one."""
        others = np.delete(np.arange(len(self.archive.points)), row)
        return Emulator(self._observed, self.archive.only(others), self._metric)

    @property
    def silent(self) -> list[str]:
        """The targets of which `evidence_of` says nothing, because what is wanted is open, or their score is learnt."""
        closed = np.isfinite(self._own.high - self._own.low)
        return [self._observed.problem.targets[n] for n in np.array(self._numbers, dtype=int)[~closed]]

    def evidence_of(self, measured: Sequence[FloatArray], rng: np.random.Generator) -> Evidence:
        """Return what data would say that a simulation and the noise of the data give.

        An interval is as wide as the run's, and lies around the value as its likelihood says. Of one that is open there
        are no such data: nothing is said of it.

        Parameters
        ----------
        measured : sequence of ndarray of float, each of shape (width of the quantity,)
            Of each target, as the archive has it.
        rng : numpy.random.Generator
            Of the noise.
        """
        scales, noise = Scales([self.archive.quantities[n].scale for n in self._numbers]), self._observed.of_data
        values = scales.distance(scales.values(np.array([float(measured[n][0]) for n in self._numbers])))
        half = (self._own.high - self._own.low) / 2
        closed = np.isfinite(half)
        middle = values + offsets(np.where(closed, half, 0.0), noise[self._numbers], rng)
        low, high = (np.where(closed, middle + side * half, side * np.inf) for side in (-1, 1))
        origins = [
            each.origin(measured[each.target], noise[each.target] * rng.standard_normal(len(each.axes)))
            for each in self._differences
        ]
        return Evidence(low, high, origins)

    def drawn(self, points: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, dict[int, FloatArray]]:
        """Return what simulations at points may give, as far as the model knows, without noise between seeds.

        Parameters
        ----------
        points : ndarray of float, shape (n_points, n_parameters)
            Of the cube; there is one draw at each.
        rng : numpy.random.Generator
            Of what the model does not know.

        Returns
        -------
        values : ndarray of float, shape (n_points, n_targets)
            In the targets' units; NaN of targets of which the score is learnt.
        differences : dict of int to ndarray of float, shape (n_points, width)
            In norms, by target, of those of which differences are learnt.
        """
        coordinates = self._metric.of(self._observed.problem.snapped(points))
        expected, scales = self._values.predict(coordinates), self._values.scales
        values = np.full((len(points), len(self._observed.noise)), np.nan)
        values[:, self._numbers] = scales.values(_draw(expected.mean, expected.deviation, rng))
        differences = {}
        for each in self._differences:
            numbers = _draw(*each.processes.predict(coordinates), rng)
            norm = self.archive.quantities[each.target].scale.norm
            values[:, each.target] = norm * each.components.distances(numbers)
            differences[each.target] = each.mean + numbers @ each.axes
        values[:, [each.scale.by_score for each in self.archive.quantities]] = np.nan
        return values, differences

    def uncertainty(self, points: FloatArray) -> FloatArray:
        """Return how uncertain the model is at points, root mean square over them, shape (n_targets,).

        In standard deviations of what is measured; of differences that of the component of which it is most so.
        """
        coordinates = self._metric.of(self._observed.problem.snapped(points))
        expected = self._values.predict(coordinates)
        found = np.zeros(len(self._observed.noise))
        found[self._numbers] = _rms(self._in_norms(expected.mean, expected.deviation)[1])
        for each in self._differences:
            found[each.target] = _rms(each.processes.predict(coordinates)[1]).max()
        return np.asarray(found / self._observed.noise)

    def errors(self, near: Flags) -> tuple[FloatArray, FloatArray]:
        """Return how far what is measured is from what is learnt of all others, and in deviations that are expected.

        Parameters
        ----------
        near : ndarray of bool, shape (n_points,)
            Of which evaluations.

        Returns
        -------
        tuple of ndarray of float, shape (n_targets,)
            Root mean square errors, in standard deviations of what is measured, and in those that the model expects of
            a single evaluation, its noise included; of differences those of the component of which the first is
            largest. NaN if none of the evaluations has a value.
        """
        found, standard = np.full((2, len(self._observed.noise)), np.nan)
        y = self._values.scales.learnt(self._measured)
        errors, deviations = (self._in_norms(y, each)[1][near].T for each in self._values.left_out())
        for target, error, deviation in zip(self._numbers, errors, deviations, strict=True):
            known = np.isfinite(error)
            found[target], standard[target] = _rms(error[known]), _rms(error[known] / deviation[known])
        for each in self._differences:
            error, deviation = (kept[near[each.rows]] for kept in each.processes.left_out())
            worst = int(np.argmax(_rms(error)))
            found[each.target], standard[each.target] = _rms(error)[worst], _rms(error / deviation)[worst]
        return np.asarray(found / self._observed.noise), standard

    def _in_norms(self, y: FloatArray, deviation: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return distances from the centre of what is wanted, and small deviations of them, in norms, of those of y."""
        scales = self._values.scales
        distance = scales.distance(scales.values(y))
        return distance, deviation * np.hypot(distance, scales.width)

    def _learnt(self, target: int, coordinates: FloatArray) -> _Differences:
        archive = self.archive
        known = np.isfinite(archive.rows[target]).all(axis=1) & ~archive.failed
        rows = archive.rows[target][known]
        if len(rows) < FEWEST or not differ(coordinates[known]):
            _refuse(self._observed, target)
        components = components_of(archive.quantities[target], rows, float(self._observed.noise[target]))
        processes = GaussianProcesses(coordinates[known], components.numbers)
        works = ~archive.failed
        missing = labels(coordinates[works], ~known[works])
        mean = rows.mean(axis=0)
        axes = np.linalg.lstsq(components.numbers, rows - mean, rcond=None)[0]
        return _Differences(target, np.flatnonzero(known), components, mean, axes, processes, missing)


def components_of(quantity: Quantity, rows: FloatArray, noise: float) -> Components:
    """Return the principal components of differences that are not lost in the noise.

    Parameters
    ----------
    quantity : Quantity
        What is learnt.
    rows : ndarray of float, shape (n_points, width)
        Finite; at least one.
    noise : float
        Standard deviation of the data, in norms.
    """
    variance = float(rows.var(axis=0).sum())
    left_out = min(_SHARE, (_LEFT_OUT * noise) ** 2 / variance) if variance else _SHARE
    return quantity.components(rows, 1 - left_out)


def _refuse(observed: Observed, target: int) -> None:
    raise UsageError(
        f"posterior: expected {FEWEST} or more values of {observed.problem.targets[target]} at different points, got "
        "fewer: evaluate more"
    )


def _draw(mean: FloatArray, deviation: FloatArray, rng: np.random.Generator) -> FloatArray:
    return np.asarray(mean + deviation * rng.standard_normal(mean.shape))


def _rms(values: FloatArray) -> FloatArray:
    """Return the root mean square along the first axis, NaN if there is nothing."""
    return np.sqrt((values**2).mean(axis=0)) if len(values) else np.full(values.shape[1:], np.nan)
