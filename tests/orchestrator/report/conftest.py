"""What the tests of the report share."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from report_runs import make_run, model_state

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import Outcome
from orchestrator.report import history, sampling
from targets import Events, Recordings, Trace


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    directory = tmp_path_factory.mktemp("figures") / "run"
    failing = lambda _g, i: Outcome.OK if i else Outcome.EXPLODED  # noqa: E731
    made = make_run(directory, generations=5, size=5, outcome=failing, state=model_state(), recordings=recordings)
    return Checkpoint(made.checkpoint)


def recordings(generation: int, index: int) -> Recordings:
    """Return a mean of a sheet, a trace and events of each evaluation."""
    times = np.arange(20.0)
    numbers = {"Exc: mean rate (Hz), spontaneous": 1.0 + index}
    return Recordings(numbers, {"v": Trace(times, times + index, "mV")}, {"spikes": Events([1.0 + generation])})


@pytest.fixture
def no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures whose parts stay where they are first put: matplotlib measures all texts twice to find better places."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415  (for those that draw only)

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda _self, _figure: {})


@pytest.fixture
def few_are_drawn(monkeypatch: pytest.MonkeyPatch) -> int:
    """Points of 500 evaluations instead of 4,000, so that a run of which a part is drawn is a short one."""
    few = functools.partial(sampling.sample_evaluations, largest=500)
    monkeypatch.setattr(history, "sample_evaluations", few)
    return 500
