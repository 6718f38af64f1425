"""What walkers go through, wherever they begin."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.posterior.chain import explore, walkers_for
from orchestrator.records import FloatArray

pytestmark = pytest.mark.reference


def normal(points: FloatArray) -> FloatArray:
    return np.asarray(-0.5 * ((points - 0.5) ** 2).sum(axis=1) / 0.1**2)


def test_walkers_that_begin_at_one_place_part() -> None:
    """As at samples of a chain of which the walkers seldom move: there is no line through two of them."""
    start = np.random.default_rng(1).random((walkers_for(2), 2))
    start[5:] = start[5]
    chain = explore(normal, start, 3, 1000)
    assert len(np.unique(chain.points[-1], axis=0)) == chain.points.shape[1]
    np.testing.assert_allclose(chain.flat.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(chain.flat.std(axis=0), 0.1, rtol=0.1)
