"""How optimisers see the outputs of a target: values and residuals of rows of them."""

from __future__ import annotations

import numpy as np
import pytest

from orchestrator.optimisers.vectors import TargetVector, has_vector
from targets import Trace, create_targets

TIMES = np.arange(0.0, 10.0)
REC = {"rec": Trace(TIMES, np.sin(TIMES), "mV")}
ROWS = np.array([np.cos(TIMES), np.sin(TIMES) + 1, np.ones(10)])


def vector(**options: object) -> TargetVector:
    (target,) = create_targets([{"class": "TraceRMSE", "data": "rec", "norm": 1, **options}], data=REC)
    assert has_vector(target)
    return TargetVector(target)


def test_residuals_of_rows_have_the_values_as_their_norms() -> None:
    for options in ({}, {"scale": "fit", "shift": "fit"}):
        found = vector(**options)
        residuals = found.residuals(ROWS)
        assert residuals is not None
        assert residuals.shape == (3, 10)
        np.testing.assert_allclose(np.linalg.norm(residuals, axis=1), found.values(ROWS), rtol=1e-12)


def test_there_are_no_residuals_where_the_value_is_no_norm() -> None:
    assert vector(target_value=0.5).residuals(ROWS) is None
    correlation = vector(**{"class": "TraceCorrelation"})
    assert correlation.residuals(ROWS) is None
    values = correlation.values(ROWS)
    assert values[:2] == pytest.approx([np.corrcoef(row, np.sin(TIMES))[0, 1] for row in ROWS[:2]])
    assert np.isnan(values[2])  # a constant correlates with nothing


def test_a_number_alone_is_no_vector() -> None:
    (target,) = create_targets([{"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}])
    assert not has_vector(target)
