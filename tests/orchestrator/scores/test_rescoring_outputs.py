"""``score --rescore`` of targets on traces: values are computed again from the outputs that were stored."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from orchestrator_project import CONFIG

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_targets
from orchestrator.data import freeze_data
from orchestrator.errors import ConfigError, RunFailed
from orchestrator.jobs.entries import Landed
from orchestrator.paths import RunPaths
from orchestrator.records import Offspring, Outcome, Result
from orchestrator.scores.described import description_of
from orchestrator.scores.evaluations import scored
from orchestrator.scores.rescoring import Rescored, rescore
from targets import Events, Recordings, Trace, create_targets, measure
from targets.recordings.file import averaged

pytestmark = pytest.mark.commands

TIMES = np.arange(0.0, 20.0, 0.5)
REC = Trace(TIMES, np.sin(TIMES), "mV")
SIMULATED = [np.cos(TIMES), 2 * np.sin(TIMES) + 3, np.sin(TIMES) + 0.25]
RMSE = {"class": "TraceRMSE", "trace": "v", "data": "rec", "norm": 1}
PEAK = {"class": "PeakAmplitude", "trace": "v", "data": "rec", "norm": 1}


def write(directory: Path, targets: list[dict[str, Any]], name: str = "config.yaml", **more: Any) -> Path:
    path = directory / name
    path.write_text(yaml.safe_dump({**CONFIG, "targets": targets, **more}, sort_keys=False))
    return path


def run_of(
    directory: Path, targets: list[dict[str, Any]], data: Mapping[str, Trace | Events] | None = None, trials: int = 1
) -> Path:
    """A run of three evaluations that left the traces above, and one that exploded."""
    run = directory / "run"
    run.mkdir()
    section = {"rec": {"function": "never:called"}}
    frozen = write(run, targets, data=section)
    data = {"rec": REC} if data is None else data
    freeze_data(data, RunPaths(run))
    made = create_targets(targets, data=data)
    checkpoint = Checkpoint.create(
        run / "checkpoint.h5",
        config=frozen.read_text(),
        parameters=["x", "y"],
        targets=[each.label for each in made],
        versions={},
        described=[description_of(each) for each in made],
    )
    block = []
    for index, values in enumerate(SIMULATED):
        left = [Recordings(traces={"v": Trace(TIMES, values + 0.1 * n, "mV")}) for n in range(trials)]
        found = measure(made, averaged(left, Path()) if trials > 1 else left[0])
        labelled = list(zip([each.label for each in made], found, strict=True))
        result = Result(
            Outcome.OK,
            values={label: each.value for label, each in labelled},
            outputs={label: each.outputs for label, each in labelled if each.outputs},
        )
        block.append(scored(made, Landed(Offspring(0, index, (0.1, 0.2), {"x": index, "y": 0}), result, 1, 0.0)))
    exploded = Offspring(0, 3, (0.1, 0.2), {"x": 3, "y": 0})
    block.append(scored(made, Landed(exploded, Result(Outcome.EXPLODED), 1, 0.0)))
    checkpoint.append([replace(each, told_in=0) for each in block], {"sigma": 0.2})
    return run


def rescored(run: Path, config: Path) -> list[Rescored]:
    return rescore(Checkpoint(run), load_targets(config))


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


def test_the_same_targets_have_the_same_scores_with_the_data_of_the_run(tmp_path: Path) -> None:
    """Targets were made without data: the score of a peak ended with a NoneType."""
    run = run_of(tmp_path, [RMSE, PEAK])
    found = rescored(run, write(tmp_path, [RMSE, PEAK]))
    assert len(found) == 4
    for each in found:
        assert [score.score for score in each.scores] == pytest.approx(each.old_scores, rel=1e-12)
    assert found[3].scores[0].reason == "EXPLODED"
    assert found[0].scores[1].target.unit == "mV"


def test_values_follow_other_scales_weights_and_shifts(tmp_path: Path) -> None:
    run = run_of(tmp_path, [RMSE])
    fitted = rescored(run, write(tmp_path, [{**RMSE, "scale": "fit", "shift": "fit", "norm": 0.5}]))
    assert [each.scores[0].value for each in fitted[1:3]] == pytest.approx([0, 0], abs=1e-6)
    weighted = rescored(run, write(tmp_path, [{**RMSE, "weights": [[0, 5, 9]]}]))
    expected = np.sqrt(np.average((SIMULATED[0] - REC.values) ** 2, weights=np.where(TIMES <= 5, 9, 1)))
    assert weighted[0].scores[0].value == pytest.approx(expected, rel=1e-6)
    assert weighted[3].scores[0].value is None


def test_values_follow_other_data_of_the_configuration(tmp_path: Path) -> None:
    run = run_of(tmp_path, [RMSE, PEAK])
    other = REC.values + 0.25
    np.savetxt(tmp_path / "other.csv", np.column_stack([TIMES, other]), header="t,v", comments="", delimiter=",")
    section = {"new": {"file": "other.csv", "columns": ["t", "v"], "unit": "mV"}}
    config = write(tmp_path, [{**RMSE, "data": "new"}, {**PEAK, "data": "new"}], data=section, model_dir=".")
    found = rescored(run, config)
    assert found[2].scores[0].value == pytest.approx(0, abs=1e-6)
    assert found[0].scores[0].value == pytest.approx(rms(SIMULATED[0] - other), rel=1e-6)
    assert found[2].scores[1].score == pytest.approx(0, abs=1e-6)
    assert json.dumps([each.to_json() for each in found])


def test_data_of_other_times_or_units_are_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path, [RMSE])
    np.savetxt(tmp_path / "fewer.csv", np.column_stack([TIMES, REC.values])[::2], delimiter=",")
    for changes, said in (
        ({"unit": "mV"}, "data: 'rec' has 20 samples over [0, 19] ms, and 40 samples over [0, 19.5] ms were measured"),
        ({"unit": "V"}, "data: 'rec' is in V, and mV was measured"),
    ):
        config = write(tmp_path, [RMSE], data={"rec": {"file": "fewer.csv", **changes}}, model_dir=".")
        with pytest.raises(ConfigError) as caught:
            rescored(run, config)
        (problem,) = caught.value.problems
        assert problem.key == "targets[0]"
        assert problem.message.startswith(said)
        keys = "data, max_score, name, norm, scale, shift, shift_limits, smooth, target_value, weights"
        assert f"Only {keys} and" in problem.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"window": [0, 10]}, "window: None in the run, [0.0, 10.0] now"),
        ({"resample": "simulation"}, "resample: data in the run, simulation now"),
        ({"average": "values"}, "average: recordings in the run, values now"),
        ({"trace": "w", "name": "TraceRMSE(v)"}, "trace: v in the run, w now"),
    ],
)
def test_what_changes_the_outputs_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    run = run_of(tmp_path, [RMSE])
    with pytest.raises(ConfigError) as caught:
        rescored(run, write(tmp_path, [{**RMSE, **change}]))
    assert caught.value.problems[0].message.startswith(said)


def test_a_function_that_makes_data_is_never_called(tmp_path: Path) -> None:
    """The same one has made those of the run, which are taken; another one is refused."""
    run = run_of(tmp_path, [RMSE])
    (tmp_path / "never.py").write_text("raise SystemError('executed')\n")
    same = write(tmp_path, [RMSE], data={"rec": {"function": "never:called"}}, model_dir=".")
    assert rescored(run, same)[0].scores[0].score == pytest.approx(rescored(run, same)[0].old_scores[0])
    other = write(tmp_path, [RMSE], data={"rec": {"function": "never:other"}}, model_dir=".")
    with pytest.raises(ConfigError, match=r"data\.rec\.function: is made by a function, which is not called to score"):
        rescored(run, other)


def test_data_that_no_target_names_is_not_looked_at(tmp_path: Path) -> None:
    mean = {"class": "TraceMean", "trace": "v", "target_value": 0, "norm": 1}
    run = run_of(tmp_path, [mean])
    section = {"rec": {"function": "never:called"}, "gone": {"file": "gone.csv"}}
    assert len(rescored(run, write(tmp_path, [mean], data=section))) == 4


def test_without_the_data_of_the_run_targets_on_them_cannot_be_scored(tmp_path: Path) -> None:
    run = run_of(tmp_path, [RMSE, {"class": "TraceMean", "trace": "v", "target_value": 0, "norm": 1}])
    RunPaths(run).data.unlink()
    with pytest.raises(RunFailed, match="expected the data that the run began with, but there is no such file"):
        rescored(run, write(tmp_path, [RMSE]))


def test_a_wrong_section_of_data_is_told_with_its_key(tmp_path: Path) -> None:
    run = run_of(tmp_path, [RMSE])
    with pytest.raises(ConfigError, match=r"data\.rec\.colums: unknown key; did you mean 'columns'"):
        rescored(run, write(tmp_path, [RMSE], data={"rec": {"file": "x.csv", "colums": [1]}}))
    with pytest.raises(ConfigError, match=r"data\.rec\.file: .*x\.csv: there is no such file"):
        rescored(run, write(tmp_path, [RMSE], data={"rec": {"file": "x.csv"}}, model_dir="."))


def test_values_of_trials_follow_too(tmp_path: Path) -> None:
    values = {**RMSE, "average": "values"}
    run = run_of(tmp_path, [values], trials=2)
    found = rescored(run, write(tmp_path, [{**values, "shift": 0.5}]))
    errors = [SIMULATED[0] + 0.1 * n + 0.5 - REC.values for n in range(2)]
    assert found[0].scores[0].value == pytest.approx(np.mean([rms(each) for each in errors]), rel=1e-6)


def test_each_sweep_is_scored_again(tmp_path: Path) -> None:
    sweeps = {"class": "TraceRMSE", "trace": "v", "data": "rec", "norm": 1, "sweeps": [0]}
    run = run_of(tmp_path, [sweeps])
    found = rescored(run, write(tmp_path, [{**sweeps, "shift": 1.0}]))
    assert found[0].scores[0].target.label == "TraceRMSE(v)[0]"
    assert found[0].scores[0].value == pytest.approx(rms(SIMULATED[0] + 1 - REC.values), rel=1e-6)


def test_what_is_wrong_with_an_entry_of_several_sweeps_is_told_once(tmp_path: Path) -> None:
    sweeps = {**RMSE, "data": "two", "sweeps": [0, 1]}
    two = Trace(TIMES, [np.sin(TIMES), np.cos(TIMES)], "mV")
    run = run_of(tmp_path, [sweeps], {"two": two, "rec": two}, trials=2)
    with pytest.raises(ConfigError) as caught:
        rescored(run, write(tmp_path, [{**sweeps, "resample": "simulation"}]))
    (problem,) = caught.value.problems
    assert problem.message.startswith("resample: data in the run, simulation now")


def test_outputs_that_were_not_kept_have_the_stored_value_only_as_long_as_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("targets.measuring.MOST_OUTPUTS", 10)
    run = run_of(tmp_path, [RMSE])
    same = rescored(run, write(tmp_path, [{**RMSE, "norm": 0.5}]))
    assert same[0].scores[0].score == pytest.approx(2 * same[0].old_scores[0])
    other = rescored(run, write(tmp_path, [{**RMSE, "shift": 1.0}]))
    assert other[0].scores[0].value is None
    assert "were not kept, because there are very many" in str(other[0].scores[0].reason)
    assert not math.isnan(other[0].total_score)
