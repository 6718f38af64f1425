from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.config.file import dump_config, load_config
from orchestrator.config.model import Config
from orchestrator.errors import ConfigError, UsageError

SOUND: dict[str, Any] = {
    "parameters": {
        "sheets.exc.w": [0, 1],
        "sheets.inh.w": {"bounds": [1e-3, 1], "scale": "log"},
        "n": {"bounds": [1, 9], "integer": True},
    },
    "optimiser_centroid": {"sheets.exc.w": 0.5},
    "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 5], "norm": 2}],
    "simulation": {"model": "model:Net"},
}


def write(tmp_path: Path, change: dict[str, Any] | str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(change if isinstance(change, str) else yaml.safe_dump({**SOUND, **change}, sort_keys=False))
    return path


def test_defaults_and_short_forms(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, {"timeout": "20h"}))
    assert config.parameters["sheets.exc.w"].bounds == (0, 1)
    assert config.space().names == ("sheets.exc.w", "sheets.inh.w", "n")
    assert config.timeout == 72000
    assert config.offspring_size == 7  # 4 + 3 ln 3
    assert config.simulation.type == "mozaik"
    assert config.model_dir == tmp_path
    assert [target.label for target in config.create_targets()] == ["SpontActivityTarget(Exc)"]


def test_a_frozen_configuration_reads_back_the_same(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, {"jobs": {"time": "2h", "mem": 64}, "slurm": {"extra": {"nice": 3}}}))
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(dump_config(config, tmp_path))
    assert load_config(frozen) == config
    assert config.jobs.mem == "64"


def test_what_looks_like_a_time_is_no_number_of_base_60(tmp_path: Path) -> None:
    """YAML 1.1 reads 16:00 as 960: sbatch was told to begin in 960 seconds."""
    text = yaml.safe_dump(SOUND) + "timeout: 1:30:00\nslurm: {extra: {begin: 16:00}}\n"
    config = load_config(write(tmp_path, text))
    assert config.timeout == 5400
    assert config.slurm.extra == {"begin": "16:00"}
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(dump_config(config, tmp_path))
    assert load_config(frozen) == config


def test_the_predecessors_json_loads_with_tabs_and_all(tmp_path: Path) -> None:
    sections = {key: SOUND[key] for key in ("parameters", "optimiser_centroid", "targets")}
    path = tmp_path / "config_optimisation"
    path.write_text(json.dumps(sections, indent="\t"))
    config = load_config(path, ["simulation={model: 'model:Net'}"])
    assert config.optimiser_centroid == {"sheets.exc.w": 0.5}
    assert len(config.parameters) == 3


def test_model_dir_is_the_parent_of_param_optim(tmp_path: Path) -> None:
    folder = tmp_path / "my model" / "param_optim"
    folder.mkdir(parents=True)
    assert load_config(write(folder, {})).model_dir == tmp_path / "my model"
    assert load_config(write(folder, {"model_dir": "."})).model_dir == folder


def test_overrides(tmp_path: Path) -> None:
    overrides = ["jobs.ntasks=8", "targets.0.norm=4", "parameters.sheets.exc.w=[0, 2]", "executor=local", "timeout=2h"]
    config = load_config(write(tmp_path, {}), overrides)
    assert (config.jobs.ntasks, config.executor, config.timeout) == (8, "local", 7200)
    assert config.targets[0]["norm"] == 4
    assert config.parameters["sheets.exc.w"].bounds == (0, 2)


@pytest.mark.parametrize(
    "override",
    [
        "slurm.ntasks",
        "=3",
        "targets.7.norm=1",
        "targets.x.norm=1",
        "slurm.ntasks=[",
        "max_ngen=" + "9" * 99,
        "a=" + "[" * 3000,
        "optimiser_seed=0123",
        "simulation.seeds={a: 010}",
    ],
)
def test_overrides_that_cannot_be(tmp_path: Path, override: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        load_config(write(tmp_path, {}), [override])


def test_zero_and_text_with_a_leading_zero_are_what_they_look_like(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, {"slurm": {"account": "0123"}}), ["optimiser_seed=0"])
    assert (config.optimiser_seed, config.slurm.account) == (0, "0123")


TARGET = SOUND["targets"][0]
WRONG = [
    ({"timeot": 3}, "timeot: unknown key; did you mean 'timeout'?"),
    ({"timeout": "soon"}, "timeout: expected a duration"),
    ({"parameters": {}}, "parameters: "),
    (
        {"parameters": {"a": [1, 1]}, "optimiser_centroid": {}},
        "bounds, got [1, 1]; a constant is written as a number alone: 1",
    ),
    ({"parameters": {"a": [1]}, "optimiser_centroid": {}}, "parameters.a.bounds[1]: is missing"),
    ({"parameters": {"a": {"bounds": [0, 1], "scale": "log"}}, "optimiser_centroid": {}}, "log needs bounds above 0"),
    ({"parameters": {"a": {"bounds": [0.5, 2], "integer": True}}, "optimiser_centroid": {}}, "whole bounds"),
    ({"parameters": {"a": {"bounds": [0, 1], "integr": True}}, "optimiser_centroid": {}}, "did you mean 'integer'?"),
    (
        {"optimiser_centroid": {"sheets.exc.v": 1}},
        "'sheets.exc.v' is not among parameters; did you mean 'sheets.exc.w'?",
    ),
    ({"optimiser_centroid": {"sheets.exc.w": 3}}, "inside its bounds [0, 1], got 3"),
    ({"targets": []}, "targets: "),
    ({"targets": [{**TARGET, "class": "SpontActivtyTarget"}]}, "did you mean 'SpontActivityTarget'?"),
    ({"targets": [{**TARGET, "norm": 0}]}, "targets[0].norm"),
    ({"targets": [{**TARGET, "nrm": 0}]}, "targets[0].nrm"),
    ({"offspring_size": 2}, "at least 3 offspring"),
    ({"optimiser_sigma": 2}, "optimiser_sigma: "),
    ({"optimiser_seed": -1}, "optimiser_seed: "),
    ({"executor": "pbs"}, "executor: "),
    ({"continue_cp": True}, "needs cp_filename"),
    ({"simulation": {"modle": "x"}}, "simulation.modle: unknown key; did you mean 'model'?"),
    ({"simulation": {}}, "simulation.model: is missing"),
    ({"simulation": {"model": "no colon"}}, "expected module:name"),
    ({"simulation": {"type": "neuron"}}, "simulation"),
    ({"simulation": {"model": "m:N", "seeds": {"a": -5}}}, "simulation.seeds.a: input should be greater than or equal"),
    (
        {"simulation": {"model": "m:N", "seeds": {"a": 2**32}}},
        "simulation.seeds.a: input should be less than 4294967296",
    ),
    ({"simulation": None}, "simulation"),
    ({"timeout": 1e300}, "timeout: input should be less than or equal to 10000000000"),
    ({"explosion_check": {"duration": float("inf")}}, "explosion_check.duration: input should be a finite number"),
    ({"parameters": {"a": "soon"}, "optimiser_centroid": {}}, "parameters.a"),
    ({"parameters": {"a": {"bounds": 7}}, "optimiser_centroid": {}}, "a.bounds: expected a pair [low, high], got 7"),
    ({"targets": [{**TARGET, "target_value": 3}]}, "targets[0].target_value: expected a pair [low, high], got 3"),
    ({"jobs": {"ntasks": 0}}, "jobs.ntasks: "),
    ({"slurm": {"ntasks": 0}}, "slurm.ntasks: "),
    ({"slurm": {"tim": 3}}, "slurm.tim: unknown key; did you mean 'time'?"),
    ({"slurm": {"extra": {"partition": "x"}}}, "is set by slurm.partition"),
    ({"slurm": {"extra": {"--nice": 1}}}, "without dashes: 'nice'"),
    ({"slurm": {"extra": {"job-name": "x"}}}, "is set by the orchestrator itself"),
    ({"slurm": {"extra": {"requeue": True}}}, "is set by the orchestrator itself"),
    ({"slurm": {"extra": {"chdir": "/scratch"}}}, "is set by the orchestrator itself"),
    ({"slurm": {"extra": {"quiet": True}}}, "sbatch would not submit a job, or not say which"),
    ({"slurm": {"extra": {"test-only": True}}}, "sbatch would not submit a job, or not say which"),
    ({"slurm": {"extra": {"clusters": "cpu,gpu"}}}, "expected the name of one cluster"),
    (
        {"slurm": {"extra": {"gres": ["a"]}}},
        "slurm.extra.gres: expected text, a number, true, false or null, got ['a']",
    ),
    ({"slurm": {"extra": {"clusters": "all"}}}, "expected the name of one cluster"),
    ({"slurm": {"extra": {"begin": 960}}}, "YAML reads this as the number 960: put it in quotes"),
    ({"explosion_check": {"slices": 0}}, "explosion_check.slices: "),
    (
        {"explosion_check": {"settle": 500}},
        "settle: expected less than the duration of 500 ms, got 500: nothing would be",
    ),
    ({"explosion_check": {"settle": -1}}, "explosion_check.settle: input should be greater than or equal to 0"),
    ({"explosion_check": {"slices_above": 0}}, "explosion_check.slices_above: "),
    ({"explosion_check": {"certain_threshold": 0}}, "explosion_check.certain_threshold: "),
    ({"keep": {"directories": "some"}}, "keep.directories: "),
    ({"local": {"workers": 0}}, "local.workers: "),
]


@pytest.mark.parametrize(
    ("given", "settle"), [({}, 100.0), ({"duration": 70}, 35.0), ({"duration": 70, "settle": 0}, 0.0)]
)
def test_a_short_explosion_check_is_judged_for_half_of_it_at_least(
    tmp_path: Path, given: dict[str, Any], settle: float
) -> None:
    """Checks of 100 ms and less were in use before there was time to settle."""
    config = load_config(write(tmp_path, {"explosion_check": given}))
    assert config.explosion_check.settle == settle
    again = load_config(write(tmp_path, {"explosion_check": config.explosion_check.model_dump()}))
    assert again.identity() == config.identity()


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_configurations(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path, change)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_problems_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = "parameters:\n  a: [1, 1]\nsimulation: {model: 'm:M'}\ntargets:\n- {class: Nope}\ntimeot: 1\n"
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert [(problem.key, problem.line) for problem in caught.value.problems] == [
        ("parameters.a", 2),
        ("timeot", 6),
        ("targets[0].class", 5),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected keys"),
        ("- 1", "expected keys"),
        ("a: [1", "is not YAML"),
        ("timeout: 1\ntimeout: 2\n", "timeout: is given twice"),
        ("slurm: &a\n  extra: *a\n", "is nested too deeply, or holds itself by an alias: expected at most 40 levels"),
        ("targets: " + "[" * 3000, "is nested too deeply"),
        ("slurm: {extra: " + "{a: " * 60 + "1" + "}" * 61, "is nested too deeply"),
        ("max_ngen: 1" + "0" * 400, "config.yaml:1: max_ngen: expected a number below 1e.30, got a larger one"),
        ("max_ngen: 1" + "0" * 5000, "is not YAML"),
        ("timeout: 2024-13-41", "is not YAML: month must be in 1..12"),
        ("parameters: {a: [0, 1], a: [0, 2]}", "parameters.a: is given twice"),
        (
            "max_ngen: 1\noptimiser_seed: 0123",
            "config.yaml:2: optimiser_seed: expected a number without a leading zero, got 0123, which YAML reads as 83",
        ),
        (
            "simulation:\n  seeds: {a: 7, b: 010}",
            r"config.yaml:2: simulation.seeds.b: .* got 010, which YAML reads as 8",
        ),
        ("optimiser_seed: 12:30", "optimiser_seed: input should be a valid integer, .* got '12:30'"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path, text))


def test_a_predecessors_file_is_told_from_a_configuration_without_a_section(tmp_path: Path) -> None:
    path = tmp_path / "config_optimisation"
    path.write_text(json.dumps({key: SOUND[key] for key in ("parameters", "targets")}))
    with pytest.raises(ConfigError, match=f"simulation: is missing: .*orchestrator prepare --import {path}$"):
        load_config(path)
    with pytest.raises(ConfigError, match=r"such as simulation: \{model: 'model:VisualModel'\}$"):
        load_config(
            write(tmp_path, yaml.safe_dump({key: SOUND[key] for key in ("parameters", "targets")} | {"report": 1}))
        )


def test_a_missing_or_binary_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "binary")


def test_every_key_says_what_it_is() -> None:
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and hasattr(section, "model_fields"):
            for key, inner in section.model_fields.items():
                assert inner.description, f"{name}.{key}"
        elif name != "simulation":
            assert field.description, name


@pytest.mark.parametrize("schedule", [{"kind": "rolling"}, {"close_at": 0.5}])
def test_an_optimiser_that_is_told_whole_generations_has_a_schedule_that_waits_for_them(
    tmp_path: Path, schedule: dict[str, Any]
) -> None:
    import plugins_of_tests  # noqa: F401, PLC0415  (registers)

    changes = {"optimiser": {"method": "nearest_of_tests", "shrink": 0.9}, "schedule": schedule}
    with pytest.raises(ConfigError, match=r"schedule: .* which the optimiser nearest_of_tests does not take"):
        load_config(write(tmp_path, changes))
