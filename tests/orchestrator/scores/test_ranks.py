"""Rank correlations, compared with those of pandas."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from orchestrator.scores.ranks import rank_correlation


def test_rank_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, 9, (60, 3)).astype(float), rng.normal(size=(60, 4))
    right[:, 0] = left[:, 0] ** 3
    right[::3, 1] = math.nan
    right[:, 2] = 1.0
    found = rank_correlation(left, right)
    for n in range(3):
        for m in range(4):
            known = np.isfinite(right[:, m])
            ranks = pd.DataFrame({"l": left[known, n], "r": right[known, m]}).rank()
            expected = ranks["l"].corr(ranks["r"]) if m != 2 else math.nan
            assert found[n, m] == pytest.approx(expected, nan_ok=True)
    assert found[0, 0] == pytest.approx(1)
    assert np.isnan(rank_correlation(left[:7], right[:7])).all()
