"""What the first evaluations show to be wrong is told before a generation is lost."""

from __future__ import annotations

import math

import pytest

from orchestrator.records import Evaluation, Offspring, Origin, Outcome, Result
from orchestrator.run.early_warnings import EarlyWarnings
from targets import Recordings, Trace, create_targets, measure

TARGETS = create_targets(
    [
        {"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 4], "norm": 1},
        {"class": "SizeTuning", "sheet_name": "Exc", "target_value": 0.5, "norm": 0.25},
    ]
)
NO_DISK = {"SizeTuning(Exc)": "no recording of DriftingSinusoidalGratingDisk in sheet Exc"}


def evaluation(index: int, result: Result, *values: float) -> Evaluation:
    origin = Origin.START if index == 0 else Origin.SAMPLE
    offspring = Offspring(0, index, (0.5,), {"x": 0.5}, origin)
    return Evaluation(offspring, result, values or (math.nan, math.nan), (0.0, 0.0), attempts=1, submitted=1.0)


def test_start_values_that_explode_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A whole generation of a real model exploded, its own values included, and CMA was told so without a word."""
    warnings = EarlyWarnings(TARGETS)
    exploded = Result(Outcome.EXPLODED, message="sheet Exc fired at 160 Hz in slice 2")
    warnings.look(evaluation(1, exploded))
    assert not caplog.messages
    warnings.look(evaluation(0, exploded))
    (message,) = caplog.messages
    assert message.startswith("the start values explode: ")
    assert message.endswith("(sheet Exc fired at 160 Hz in slice 2)")


def test_a_target_without_a_value_is_named_at_the_first_evaluation(caplog: pytest.LogCaptureFixture) -> None:
    warnings = EarlyWarnings(TARGETS)
    warnings.look(evaluation(0, Result(Outcome.SIMULATION_ERROR)))
    for index in (3, 4):
        warnings.look(evaluation(index, Result(Outcome.OK, reasons=NO_DISK), 2.0, math.nan))
    (message,) = caplog.messages
    assert message == (
        "target SizeTuning(Exc) has no value in the first simulation, offspring 3 of generation 0: "
        "no recording of DriftingSinusoidalGratingDisk in sheet Exc"
    )


def test_a_target_that_no_parameters_give_a_value_is_said_after_one_evaluation_with_its_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A wrong name of a trace was told at the end of the first generation."""
    targets = create_targets([{"class": "TraceMean", "trace": name, "target_value": 1, "norm": 1} for name in "uv"])
    (_, found) = measure(targets, Recordings(traces={"u": Trace([0, 1], [1, 2])}))
    result = Result(Outcome.OK, reasons={"TraceMean(v)": str(found.reason)}, unfit={"TraceMean(v)": found.option})
    warnings = EarlyWarnings(targets)
    warnings.look(evaluation(0, result, 1.5, math.nan))
    first, second = caplog.messages
    assert first.endswith("offspring 0 of generation 0: trace: the simulation left no trace 'v'; it left: u")
    assert second == ("targets[1].trace: no parameters change that. Stop the run, correct it and start another run")
