"""What the tests of the report share."""

from __future__ import annotations

import functools

import pytest
from matplotlib.layout_engine import ConstrainedLayoutEngine

from orchestrator.report import history, sampling


@pytest.fixture
def no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures whose parts stay where they are first put: matplotlib measures all texts twice to find better places."""
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda _self, _figure: {})


@pytest.fixture
def few_are_drawn(monkeypatch: pytest.MonkeyPatch) -> int:
    """Points of 500 evaluations instead of 4,000, so that a run of which a part is drawn is a short one."""
    few = functools.partial(sampling.sample_evaluations, largest=500)
    monkeypatch.setattr(history, "sample_evaluations", few)
    return 500
