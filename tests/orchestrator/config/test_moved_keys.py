"""Keys that have moved to another section are read in their old place: files, overrides, frozen configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.config.file import dump_config, load_config
from orchestrator.config.moved_keys import MOVED, with_moved_keys
from orchestrator.config.sections import JobsSection, SlurmSection
from orchestrator.errors import ConfigError

OLD: dict[str, Any] = {
    "retries": 5,
    "ntasks": 4,
    "cpus_per_task": 2,
    "mem": "8G",
    "time": "2h",
    "setup": ["module load python"],
    "poll_interval": 7,
    "result_grace": 9,
}
# of the section `jobs` since there is one
NEW = {"evaluations_per_job", "processes_per_job"}
SOUND: dict[str, Any] = {
    "parameters": {"w": [0, 1]},
    "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 5], "norm": 2}],
    "simulation": {"model": "model:Net"},
}


def write(tmp_path: Path, change: dict[str, Any]) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({**SOUND, **change}, sort_keys=False))
    return path


def test_every_key_that_has_moved_is_in_its_new_section_alone() -> None:
    assert set(MOVED) == {"slurm"}
    assert set(MOVED["slurm"].values()) == {"jobs"}
    assert set(MOVED["slurm"]) == set(JobsSection.model_fields) - NEW == set(OLD)
    assert not set(MOVED["slurm"]) & set(SlurmSection.model_fields)


def test_an_old_file_means_what_it_did(tmp_path: Path) -> None:
    old = load_config(write(tmp_path, {"slurm": {**OLD, "partition": "main"}}))
    new = load_config(write(tmp_path, {"jobs": OLD, "slurm": {"partition": "main"}}))
    assert old == new
    assert (old.jobs.ntasks, old.jobs.time, old.slurm.partition) == (4, 7200, "main")


def test_the_frozen_configuration_of_an_old_run_is_the_same_and_is_written_in_the_new_place(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, {"jobs": OLD}))
    data = yaml.safe_load(dump_config(config, tmp_path))
    assert data["jobs"]["ntasks"] == 4
    assert "ntasks" not in data["slurm"]
    # as it was written, defaults and all, before there was a section `jobs`
    jobs = {key: value for key, value in data.pop("jobs").items() if key not in NEW}
    data["slurm"] = {**jobs, **data["slurm"]}
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(yaml.safe_dump(data))
    assert load_config(frozen) == config


@pytest.mark.parametrize("written", [{"slurm": {"ntasks": 16}}, {"jobs": {"ntasks": 16}}, {}])
@pytest.mark.parametrize(
    "override", ["slurm.ntasks=8", "jobs.ntasks=8", "slurm={ntasks: 8, partition: main}", "jobs={ntasks: 8}"]
)
def test_the_command_line_wins_under_either_name(tmp_path: Path, written: dict[str, Any], override: str) -> None:
    assert load_config(write(tmp_path, written), [override]).jobs.ntasks == 8


def test_the_last_override_wins(tmp_path: Path) -> None:
    path = write(tmp_path, {"slurm": {"setup": ["a", "b"]}})
    assert load_config(path, ["jobs.ntasks=2", "slurm.ntasks=3"]).jobs.ntasks == 3
    assert load_config(path, ["slurm.ntasks=3", "jobs.ntasks=2"]).jobs.ntasks == 2
    assert load_config(path, ["slurm.setup.1=c"]).jobs.setup == ("a", "c")


def test_two_values_for_one_key_are_one_error_with_both_names(tmp_path: Path) -> None:
    path = write(tmp_path, {"slurm": {"ntasks": 8, "mem": "8G"}, "jobs": {"ntasks": 16, "mem": "8G"}, "max_ngen": 0})
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["jobs.retries=3"])
    (twice, other) = sorted(caught.value.problems, key=lambda problem: problem.key, reverse=True)
    assert (twice.key, other.key) == ("slurm.ntasks", "max_ngen")
    assert twice.message.startswith("is given as jobs.ntasks too, with another value")
    assert path.read_text().splitlines()[(twice.line or 0) - 1] == "  ntasks: 8"


def test_a_problem_is_told_at_the_key_that_the_user_wrote(tmp_path: Path) -> None:
    for section in ("slurm", "jobs"):
        path = write(tmp_path, {section: {"setup": ["a", 3]}})
        with pytest.raises(ConfigError) as caught:
            load_config(path)
        (problem,) = caught.value.problems
        assert problem.key == f"{section}.setup[1]"
        assert path.read_text().splitlines()[(problem.line or 0) - 1] == "  - 3"


@pytest.mark.parametrize("data", [{"slurm": None}, {"slurm": 3}, {"slurm": {"ntasks": 3}, "jobs": 4}, {}])
def test_what_is_no_section_is_left_to_validation(data: dict[str, Any]) -> None:
    assert with_moved_keys(data) == data


def test_a_configuration_that_is_given_as_it_is_stays_so() -> None:
    data = {"slurm": {"ntasks": 3, "partition": "main"}}
    assert with_moved_keys(data) == {"slurm": {"partition": "main"}, "jobs": {"ntasks": 3}}
    assert data == {"slurm": {"ntasks": 3, "partition": "main"}}
