"""What may change between the parts of a run, and what makes it another run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.checking.problems import identity_differences
from orchestrator.config.file import load_config

SIMULATION = {"model": "model:Net", "setup": ["module load nest"], "python": "python3", "seeds": {"seed": 1}}
RUN: dict[str, Any] = {
    "parameters": {"sheets.exc.w": [0, 1], "n": {"bounds": [1, 9], "integer": True}},
    "optimiser_centroid": {"sheets.exc.w": 0.5, "n": 3},
    "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 5], "norm": 2}],
    "simulation": SIMULATION,
    "slurm": {"ntasks": 4, "setup": ["module load python"]},
}


def differences(tmp_path: Path, change: dict[str, Any]) -> list[str]:
    configs = []
    for name, content in (("then", RUN), ("now", {**RUN, **change})):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        configs.append(load_config(path))
    frozen, config = configs
    return identity_differences(config, frozen)


@pytest.mark.parametrize(
    "change",
    [
        {"simulation": {**SIMULATION, "setup": ["module load nest/3.9", "source env/bin/activate"]}},
        {"simulation": {**SIMULATION, "setup": []}},
        {"simulation": {**SIMULATION, "python": "/opt/env/bin/python"}},
        {"simulation": {key: value for key, value in SIMULATION.items() if key != "python"}},
        {"simulation": {**SIMULATION, "launcher": "mpirun -n 4"}},
        {"simulation": {**SIMULATION, "launch_script": "offspring.sh"}},
        {"slurm": {"ntasks": 8, "partition": "long", "setup": ["module load other"]}},
        {"timeout": "30h", "max_ngen": 99, "executor": "local", "local": {"workers": 3}},
    ],
    ids=str,
)
def test_how_and_where_a_run_is_carried_out_may_change(tmp_path: Path, change: dict[str, Any]) -> None:
    assert differences(tmp_path, change) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"simulation": {**SIMULATION, "model": "model:Other"}}, "simulation.model: model:Net in the run"),
        (
            {"simulation": {**SIMULATION, "experiments": "a:b"}},
            "simulation.experiments: experiments:create_experiments",
        ),
        ({"simulation": {**SIMULATION, "seeds": {"seed": 2}}}, "simulation.seeds.seed: 1 in the run, 2 now"),
        ({"simulation": {**SIMULATION, "seeds": {}}}, "simulation.seeds.seed: 1 in the run, not there now"),
        ({"simulation": {**SIMULATION, "parameters_url": "p"}}, "simulation.parameters_url: param_optim/defaults in"),
        ({"optimiser_seed": 7}, "optimiser_seed: "),
        ({"optimiser_sigma": 0.25}, "optimiser_sigma: "),
        ({"offspring_size": 40}, "offspring_size: "),
        (
            {"targets": [{**RUN["targets"][0], "target_value": [1, 6]}]},
            "targets[0].target_value[1]: 5 in the run, 6 now",
        ),
        (
            {"targets": [*RUN["targets"], {**RUN["targets"][0], "sheet_name": "Inh"}]},
            "targets[1].class: not there in the run, SpontActivityTarget now",
        ),
        ({"optimiser_centroid": {"sheets.exc.w": 0.4, "n": 3}}, "optimiser_centroid.sheets.exc.w: 0.5 in the run"),
        (
            {"parameters": {"sheets.exc.w": [0, 1], "n": [1, 9]}},
            "parameters.n.integer: True in the run, False now",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_run_is_may_not_change_and_the_difference_is_named(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    found = differences(tmp_path, change)
    assert found
    assert found[0].startswith(expected)


def test_an_explosion_check_of_another_kind_is_another_run(tmp_path: Path) -> None:
    found = differences(tmp_path, {"explosion_check": {"threshold": 50}})
    assert found == ["explosion_check.threshold: 100.0 in the run, 50.0 now"]
