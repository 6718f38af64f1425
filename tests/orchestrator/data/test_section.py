"""What a configuration may say of measured recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from checked_project import visual_model
from orchestrator_project import CONFIG, Project

from orchestrator.checking.problems import examine, identity_differences
from orchestrator.config.file import dump_config, load_config
from orchestrator.errors import ConfigError
from targets import Trace


def config_with(directory: Path, data: Any) -> Path:
    (directory / "dipole.txt").write_text("".join(f"{t} {t * t}\n" for t in range(5)))
    path = directory / "config.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "data": data}))
    (directory / "model.py").write_text("def simulate(parameters, directory):\n    return {}\n")
    return path


def test_what_is_read_is_that_of_the_files_beside_the_model(tmp_path: Path) -> None:
    path = config_with(
        tmp_path, {"dipole": {"file": "dipole.txt", "window": [1, 3], "unit": "nAm"}, "all": "dipole.txt"}
    )
    config = load_config(path)
    dipole, whole = config.measured["dipole"], config.measured["all"]
    assert isinstance(dipole, Trace)
    assert isinstance(whole, Trace)
    assert (dipole.values.tolist(), dipole.unit, whole.times.size) == ([1, 4, 9], "nAm", 5)
    assert config.model_copy(update={"timeout": 3.0}).measured is config.measured
    assert config.model_copy(update={"data": {}}).measured == {}


def test_what_is_written_with_a_run_is_read_again_and_has_only_what_was_given(tmp_path: Path) -> None:
    keys = {"file": "dipole.txt", "columns": [0, 1], "window": [1, 3], "resample": 0.5}
    config = load_config(
        config_with(tmp_path, {"dipole": keys, "other": {"file": "dipole.txt", "columns": 0, "interval": 1}})
    )
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text(dump_config(config, run))
    data = yaml.safe_load((run / "config.yaml").read_text())["data"]
    assert data["dipole"] == {**keys, "time_unit": "ms"}
    assert data["other"]["columns"] == [0]
    again = load_config(run / "config.yaml")
    assert identity_differences(again, config) == []
    changed = load_config(config_with(tmp_path, {"dipole": {**keys, "window": [0, 3]}, "other": data["other"]}))
    assert identity_differences(changed, config) == ["data.dipole.window[0]: 1.0 in the run, 0.0 now"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (3, "data: input should be a valid dictionary, got 3"),
        ({"a b": "dipole.txt"}, "data: expected names of letters, digits, _ and -, such as dipole, got 'a b'"),
        ({"a": 3}, "data.a: expected a path, or {file, columns, unit} and more, got 3"),
        ({"a": {}}, "data.a: expected either a file or a function, got none"),
        ({"a": {"file": "x", "function": "m:f"}}, "data.a: expected either a file or a function, got both"),
        (
            {"a": {"fil": "x", "file": "y"}},
            "data.a.fil: unknown key; did you mean 'file'? Known keys: file, ",
        ),
        ({"a": {"file": "x", "parameters": {"b": 1}}}, "data.a: parameters says nothing of a file: take it away"),
        ({"a": {"function": "m:f", "columns": [0]}}, "data.a: columns says nothing of a function: take it away"),
        (
            {"a": {"file": "x", "events": True, "unit": "mV"}},
            "data.a: unit says nothing of events: ",
        ),
        (
            {"a": {"file": "x", "label": "cell"}},
            "data.a: label is for events: add events: true, ",
        ),
        (
            {"a": {"file": "x", "window": [3, 1]}},
            "data.a: expected window: [from, to] with from < to, in ms, ",
        ),
        ({"a": {"file": "x", "window": 3}}, "data.a.window: expected a pair [low, high], got 3"),
        ({"a": {"file": "x", "resample": 0}}, "data.a.resample: input should be greater than 0, got 0"),
        ({"a": {"file": "x", "channel": -1}}, "data.a.channel: expected a name, or a number counted from 0, got -1"),
        (
            {"a": {"file": "x", "columns": [0, True]}},
            "data.a.columns[1]: expected a name, or a number counted ",
        ),
        (
            {"a": {"file": "x", "time_unit": "years"}},
            "data.a.time_unit: input should be 'us', 'ms', 's', 'min' or ",
        ),
        ({"a": {"file": "dipole.txt", "columns": ["t", "v"]}}, "data.a.columns: "),
        ({"a": "dipol.txt"}, "data.a.file: "),
    ],
)
def test_what_is_wrong_is_told_with_its_key_and_line(tmp_path: Path, data: Any, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(config_with(tmp_path, data))
    (problem,) = caught.value.problems
    assert f"{problem.key}: {problem.message}".startswith(expected)
    assert problem.line is not None


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = config_with(tmp_path, {"a": "none.txt", "b": {"file": "dipole.txt", "window": [0, 99]}})
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert [problem.key for problem in caught.value.problems] == ["data.a.file", "data.b.window"]


def test_who_looks_at_a_run_reads_no_file_and_calls_no_function(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"data": {"a": {"function": "model:none"}, "b": "none.txt"}})
    assert set(load_config(project.config, looking=True).data) == {"a", "b"}


def test_data_that_cannot_be_read_hide_nothing_else_that_is_wrong(tmp_path: Path) -> None:
    config = visual_model(tmp_path, {"data": {"a": "none.txt"}, "targets|0|sheet_name": "V1_Exc_L9"})
    examined = examine(config)
    assert [problem.key for problem in examined.problems] == ["targets[0].sheet_name", "data.a.file"]
