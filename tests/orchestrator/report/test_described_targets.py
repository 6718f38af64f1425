"""What a report knows of targets: what was kept of them when the run began comes first."""

from __future__ import annotations

import numpy as np

from orchestrator.report.described import describe_targets
from orchestrator.scores.described import description_of
from targets import Trace, create_targets

SPECS = [
    {"class": "PeakAmplitude", "trace": "v", "data": "rec", "norm": 0.5, "sweeps": [0, 1]},
    {"class": "ReturnedValue", "key": "x", "target_value": 3, "norm": 1},
]
DATA = {"rec": Trace([0, 1, 2], [[1, 5, 2], [1, 7, 2]], "mV")}


def test_an_entry_that_stands_for_several_targets_is_described_with_its_data() -> None:
    """The configuration did not list the targets of the checkpoint, it was said."""
    targets = create_targets(SPECS, data=DATA)
    labels = [each.label for each in targets]
    numbers = np.zeros((1, 3))
    found, notes = describe_targets({"targets": SPECS}, labels, numbers, numbers, [description_of(t) for t in targets])
    assert notes == []
    assert [(each.low, each.high, each.unit) for each in found] == [(5, 5, "mV"), (7, 7, "mV"), (3, 3, "")]


def test_targets_that_are_not_those_of_the_configuration_are_said_to_be_unknown() -> None:
    numbers = np.zeros((1, 3))
    for kept in ([], [{"entry": 0}, {"entry": 1}, {"entry": 7}], [{"entry": 0}] * 3, ["x"] * 3):
        found, notes = describe_targets({"targets": SPECS}, ["a", "b", "c"], numbers, numbers, kept)  # type: ignore[arg-type]
        assert notes == ["The configuration does not list the targets of the checkpoint."]
        assert [each.label for each in found] == ["a", "b", "c"]
