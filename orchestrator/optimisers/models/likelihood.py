"""The likeliest kernel, lengths and noise of each of several quantities at the same points.

Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, chapter 5. First one of a few kernels that are the
same in all directions: with its eigendecomposition K = Q diag(w) Q^T each quantity and each share of noise g costs
O(N) by (K + g)^-1 = Q diag(1 / (w + g)) Q^T, and the variance s of a quantity has a closed form. Then a coordinate is
multiplied by a factor of its own ("automatic relevance determination"): a parameter matters to some targets only.

If the noise of single evaluations is known, R of variances on its diagonal, that of a quantity is
s (K + g) + R (stochastic kriging; Ankenman, Nelson & Staum 2010, Operations Research 58:371): s is searched for then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, eigh
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize

from orchestrator.optimisers.models.kernels import Kernel, candidates, pairs
from orchestrator.records import FloatArray

IntArray = npt.NDArray[np.intp]

# variance of the noise as a share of the signal's; the one that is expected, and how strongly: a quadratic penalty on
# the logarithm of what it is off
_NOISES = np.array([1e-4, 1e-3, 4e-3, 0.016, 0.06, 0.25, 1.0, 4.0])
_EXPECTED_NOISE, _PENALTY = 0.05, 0.02
# standard deviation that is expected of the logarithm of a coordinate's factor, and the largest such logarithm
_SPREAD, _WIDEST = 1.0, 3.0
# steps of the search for the factors, and on how many of the points at most: more of them cost more than they tell
_STEPS, _MOST = 10, 160
# least and largest variance s of a standardised quantity whose noise is known
_VARIANCES = (1e-6, 1e6)
# least variance
LEAST = 1e-12


@dataclass(frozen=True)
class GaussianProcessPrior:
    """What is believed of one quantity before its values: a kernel of coordinates that are multiplied by factors.

    Parameters
    ----------
    kernel : Kernel
        Of the coordinates that are multiplied.
    factors : ndarray of float, shape (n_parameters,)
        What they are multiplied by.
    noise : float
        Variance of the noise as a share of the kernel's, beside that which is known of single evaluations.
    variance : float, optional
        s, if the noise of single evaluations is known; otherwise it follows from the values.
    """

    kernel: Kernel
    factors: FloatArray
    noise: float
    variance: float | None = None


def likeliest(
    points: FloatArray, values: FloatArray, known: Sequence[FloatArray | None]
) -> Sequence[GaussianProcessPrior]:
    """Return the prior of each quantity under which its values are likeliest; ties go to the first kernel.

    Parameters
    ----------
    points : ndarray of float, shape (n_data, n_parameters)
        At least two of them differ.
    values : ndarray of float, shape (n_data, n_quantities)
        Of mean 0 and variance 1, or 0.
    known : sequence of ndarray of float, shape (n_data,), or None
        Variance of the noise of each evaluation, for each quantity; None if it is not known.
    """
    rows = rows_of(len(points))
    points, values = points[rows], values[rows]
    kernels, losses, choices = _tried(points, values)
    best = np.argmin(losses, axis=0)
    found = []
    for column, place in enumerate(best):
        prior = GaussianProcessPrior(kernels[place], np.ones(points.shape[1]), float(_NOISES[choices[place][column]]))
        own, variances = values[:, column], known[column]
        if not own.any():
            found.append(prior)
        elif variances is None:
            found.append(_with_factors(prior, points, own))
        else:
            found.append(_with_variance(prior, points, own, variances[rows]))
    return found


def rows_of(number: int) -> IntArray:
    """Return which of so many points are looked at: all, or some of them evenly."""
    return np.arange(number) if number <= _MOST else np.linspace(0, number - 1, _MOST).astype(int)


def least_losses(points: FloatArray, values: FloatArray) -> FloatArray:
    """Return minus the logarithm of the likelihood of each quantity, as `likeliest`, with the best of the kernels."""
    return np.asarray(_tried(points, values)[1].min(axis=0))


def _tried(points: FloatArray, values: FloatArray) -> tuple[list[Kernel], FloatArray, IntArray]:
    """Return kernels, and for each kernel and quantity what `_losses` returns."""
    squares, products = pairs(points, points)
    kernels = candidates(squares)
    found = [_losses(kernel.of(squares, products), values) for kernel in kernels]
    return kernels, np.array([losses for losses, _ in found]), np.array([choices for _, choices in found])


def _losses(matrix: FloatArray, values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return minus the logarithm of the likelihood of each quantity, and which noise that is with.

    Parameters
    ----------
    matrix : ndarray of float, shape (n_data, n_data)
        A kernel at the data; overwritten.
    values : ndarray of float, shape (n_data, n_quantities)
        The quantities.
    """
    weights, vectors = eigh(matrix, overwrite_a=True, check_finite=False, driver="evd")
    n = len(weights)
    # (n_noises, n_data)
    inverses = 1 / (np.maximum(weights, 0) + _NOISES[:, None])
    variance = np.maximum(inverses @ (vectors.T @ values) ** 2 / n, LEAST)
    shift = _PENALTY * np.log(_NOISES / _EXPECTED_NOISE) ** 2 - 0.5 * np.log(inverses).sum(axis=1)
    losses = 0.5 * n * np.log(variance) + shift[:, None]
    return losses.min(axis=0), losses.argmin(axis=0)


def _with_factors(prior: GaussianProcessPrior, points: FloatArray, values: FloatArray) -> GaussianProcessPrior:
    """Return the prior with the likeliest factors, beginning with those that it has."""
    widest = [(-_WIDEST, _WIDEST)] * points.shape[1]
    found = minimize(
        loss,
        np.append(np.log(prior.factors), np.log(prior.noise)),
        (prior.kernel, points, values),
        jac=True,
        method="L-BFGS-B",
        bounds=[*widest, tuple(np.log(_NOISES[[0, -1]]))],
        options={"maxiter": _STEPS},
    )
    return GaussianProcessPrior(prior.kernel, np.exp(found.x[:-1]), float(np.exp(found.x[-1])))


def _with_variance(
    prior: GaussianProcessPrior, points: FloatArray, values: FloatArray, known: FloatArray
) -> GaussianProcessPrior:
    """Return the prior with the likeliest factors, and with the variance beside noise that is known."""
    data = points * prior.factors
    inverse, _ = inverted(prior.kernel.of(*pairs(data, data)) + prior.noise * np.eye(len(data)))
    variance = float(np.clip(values @ inverse @ values / len(data), *_VARIANCES))
    # what is known was noise as well, when the kernel was chosen
    noise = float(np.clip(prior.noise - known.mean() / variance, *_NOISES[[0, -1]]))
    limits = [(-_WIDEST, _WIDEST)] * points.shape[1] + [tuple(np.log(each)) for each in (_NOISES[[0, -1]], _VARIANCES)]
    found = minimize(
        loss_beside_noise,
        np.concatenate([np.log(prior.factors), np.log([noise, variance])]),
        (prior.kernel, points, values, known),
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        options={"maxiter": _STEPS},
    )
    factors, (noise, variance) = np.exp(found.x[:-2]), np.exp(found.x[-2:])
    return GaussianProcessPrior(prior.kernel, factors, float(noise), float(variance))


def loss(logarithms: FloatArray, kernel: Kernel, points: FloatArray, values: FloatArray) -> tuple[float, FloatArray]:
    """Return minus the logarithm of the likelihood and of what is expected of factors and noise, and its gradient.

    0.5 N log s + 0.5 log |K + g| + sum_d log(a_d)^2 / 2 + 0.02 log(g / 0.05)^2, with s = y^T (K + g)^-1 y / N.

    Parameters
    ----------
    logarithms : ndarray of float, shape (n_parameters + 1,)
        Of the factors a of the coordinates, and of the share of noise g.
    kernel : Kernel
        Of the multiplied coordinates.
    points : ndarray of float, shape (n_data, n_parameters)
        Not multiplied.
    values : ndarray of float, shape (n_data,)
        y, not all 0.
    """
    n, noise = len(points), np.exp(logarithms[-1])
    scaled = points * np.exp(logarithms[:-1])
    matrix = kernel.of(*pairs(scaled, scaled)) + noise * np.eye(n)
    inverse, half_logarithm = inverted(matrix)
    alpha = inverse @ values
    variance = max(float(values @ alpha) / n, LEAST)
    penalty, penalty_slope = _unexpected(logarithms)
    total = 0.5 * n * np.log(variance) + half_logarithm + penalty
    weights = 0.5 * (inverse - np.outer(alpha, alpha) / variance)
    slope = np.append(kernel.gradient_by_scales(weights, scaled), noise * np.trace(weights))
    return float(total), slope + penalty_slope


def loss_beside_noise(
    logarithms: FloatArray, kernel: Kernel, points: FloatArray, values: FloatArray, known: FloatArray
) -> tuple[float, FloatArray]:
    """Return minus the logarithm of the likelihood and of what is expected, beside known noise, and its gradient.

    0.5 y^T C^-1 y + 0.5 log |C| + sum_d log(a_d)^2 / 2 + 0.02 log(g / 0.05)^2, with C = s (K + g) + R.

    Parameters
    ----------
    logarithms : ndarray of float, shape (n_parameters + 2,)
        Of the factors a of the coordinates, of the share of noise g, and of the variance s.
    kernel, points, values
        As for `loss`.
    known : ndarray of float, shape (n_data,)
        The diagonal of R.
    """
    noise, variance = np.exp(logarithms[-2:])
    scaled = points * np.exp(logarithms[:-2])
    signal = variance * (kernel.of(*pairs(scaled, scaled)) + noise * np.eye(len(points)))
    inverse, half_logarithm = inverted(signal + np.diag(known))
    alpha = inverse @ values
    penalty, penalty_slope = _unexpected(logarithms[:-1])
    weights = 0.5 * (inverse - np.outer(alpha, alpha))
    slope = np.append(variance * kernel.gradient_by_scales(weights, scaled), variance * noise * np.trace(weights))
    return float(0.5 * values @ alpha + half_logarithm + penalty), np.append(
        slope + penalty_slope, (weights * signal).sum()
    )


def _unexpected(logarithms: FloatArray) -> tuple[float, FloatArray]:
    """Return minus the logarithm of what is expected of factors and of the share of noise, and its gradient."""
    off = np.append(logarithms[:-1] / _SPREAD, np.sqrt(2 * _PENALTY) * (logarithms[-1] - np.log(_EXPECTED_NOISE)))
    return 0.5 * off @ off, off * np.append(np.full(len(logarithms) - 1, 1 / _SPREAD), np.sqrt(2 * _PENALTY))


def inverted(matrix: FloatArray) -> tuple[FloatArray, float]:
    """Return the inverse of a positive definite matrix, which is overwritten, and half of log |matrix|.

    Raises
    ------
    numpy.linalg.LinAlgError
        If it is not positive definite.
    """
    factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)[0]
    half_logarithm = float(np.log(np.diag(factor)).sum())
    inverse, _ = dpotri(factor, lower=True, overwrite_c=True)
    lower = np.tril(inverse)
    return lower + np.tril(lower, -1).T, half_logarithm
