"""A configuration that names no optimiser has the one for traces if all of its targets compare traces."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.config.model import Config
from orchestrator.config.points import with_default_method

RMSE = {"class": "TraceRMSE", "trace": "v", "data": "v", "norm": 1}
CORRELATION = {"class": "TraceCorrelation", "trace": "v", "data": "v", "norm": 0.1}
NUMBER = {"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}


@pytest.mark.parametrize(
    ("targets", "optimiser", "method"),
    [
        ([RMSE], None, "hybrid"),
        ([RMSE, CORRELATION], {}, "hybrid"),
        ([RMSE, NUMBER], None, "cma"),
        ([NUMBER], None, "cma"),
        ([RMSE], {"method": "cma"}, "cma"),
        ([RMSE], {"model": "none"}, "cma"),
        ([{**RMSE, "class": "mine.py:Own"}], None, "cma"),
    ],
)
def test_the_method_of_a_configuration(targets: Any, optimiser: Any, method: str) -> None:
    data = {"parameters": {"a": [0, 1]}, "targets": targets, "simulation": {"type": "function", "function": "m:f"}}
    config = Config.model_validate(data if optimiser is None else data | {"optimiser": optimiser})
    assert config.optimiser.method == method


@pytest.mark.parametrize("targets", [None, 3, [], [3], [{}], [{"class": "Unknown"}]])
def test_what_is_no_list_of_targets_is_left_to_validation(targets: Any) -> None:
    assert "optimiser" not in with_default_method({"targets": targets})
