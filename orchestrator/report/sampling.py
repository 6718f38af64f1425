"""Which evaluations of a long run are drawn as points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from orchestrator.records import FloatArray

LARGEST = 4000


def sample_evaluations(
    generation: npt.NDArray[np.intp], total: FloatArray, columns: FloatArray, largest: int = LARGEST
) -> npt.NDArray[np.intp]:
    """Return ascending rows, at most `largest`, the same ones for the same run.

    All of them if they are few. Otherwise, until there are enough: the first and last row, the best 200, the
    smallest and largest of every column, the best of each generation, and the rest spread evenly over the run.

    Parameters
    ----------
    generation : ndarray of int, shape (n,)
        Of each evaluation.
    total : ndarray of float, shape (n,)
        Total scores, NaN of those that cannot be best.
    columns : ndarray of float, shape (n, n_columns)
        Parameters and values, NaN if there is none.
    largest : int
        How many rows at most.
    """
    n = len(total)
    if n <= largest:
        return np.arange(n)
    ranked = np.argsort(total, kind="stable")
    _, first = np.unique(generation[ranked], return_index=True)  # the best of each generation comes first in `ranked`
    low, high = np.where(np.isnan(columns), np.inf, columns), np.where(np.isnan(columns), -np.inf, columns)
    wanted = np.concatenate(
        [[0, n - 1], ranked[:200], low.argmin(axis=0), high.argmax(axis=0), ranked[first]],
    )
    _, at = np.unique(wanted, return_index=True)
    chosen = wanted[np.sort(at)][:largest]
    others = np.setdiff1d(np.arange(n), chosen)
    even = np.linspace(0, len(others) - 1, largest - len(chosen)).astype(np.intp) if len(others) else others
    return np.unique(np.concatenate([chosen, others[even]]).astype(np.intp))
