"""Correlation of ranks: how far one number rises with another, whatever its scale."""

from __future__ import annotations

import numpy as np

from orchestrator.records import FloatArray

# of fewer pairs than this nothing is said
FEWEST = 8
# correlations nearer to 1 than this have no interval otherwise
_SURE = 1 - 1e-9


def rank_correlation(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return Spearman's correlation of every column of `left` with every one of `right`.

    Rows in which a column of `right` is NaN are left out for that column; NaN if fewer than 8 rows remain, or one
    of the two is constant.

    Parameters
    ----------
    left, right : ndarray, shapes (n, n_left) and (n, n_right)
        Their columns are compared.

    Returns
    -------
    ndarray, shape (n_left, n_right)
    """
    ranked: dict[bytes, FloatArray] = {}
    result = np.full((left.shape[1], right.shape[1]), np.nan)
    for n, column in enumerate(right.T):
        known = np.isfinite(column)
        if known.sum() < FEWEST:
            continue
        key = np.packbits(known).tobytes()
        if key not in ranked:
            ranked[key] = np.column_stack([_standard_ranks(each[known]) for each in left.T])
        result[:, n] = ranked[key].T @ _standard_ranks(column[known]) / known.sum()
    return result


def rank_correlation_interval(correlation: FloatArray, number: int) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the 95 % intervals of Spearman's correlations over so many pairs.

    tanh(atanh(r) -+ 1.96 sqrt((1 + r^2 / 2) / (n - 3))) (Bonett & Wright 2000, Psychometrika 65:23).

    Parameters
    ----------
    correlation : ndarray of float
        r, of any shape.
    number : int
        n, more than 3.
    """
    z = np.arctanh(np.clip(correlation, -_SURE, _SURE))
    reach = 1.96 * np.sqrt((1 + correlation**2 / 2) / (number - 3))
    return np.minimum(np.tanh(z - reach), correlation), np.maximum(np.tanh(z + reach), correlation)


def _standard_ranks(values: FloatArray) -> FloatArray:
    """Return ranks, ties shared, with mean 0 and standard deviation 1; NaN if all are equal."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return np.full(len(values), np.nan)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse.ravel()]
    return np.asarray((ranks - ranks.mean()) / ranks.std())
