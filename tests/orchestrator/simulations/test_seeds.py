"""Seeds that every evaluation has for itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from orchestrator_project import Project

from orchestrator.config.file import dump_config, load_config
from orchestrator.errors import ConfigError
from orchestrator.node.task import NodeTask
from orchestrator.paths import RunPaths
from orchestrator.records import Offspring
from orchestrator.simulations import model_of
from orchestrator.simulations.seeds import originals_of, other_seeds, seeds_of

SEEDS: dict[str, object] = {"frozen": 7, "network": "per_offspring", "stimulus": "per_offspring"}


def project(directory: Path, seeds: object) -> Project:
    simulation = {"type": "function", "function": "model:simulate", "seeds": seeds}
    return Project.create(directory, {"simulation": simulation, "optimiser_seed": 3})


def test_each_is_a_function_of_the_runs_seed_the_generation_and_the_offspring() -> None:
    (word,) = np.random.SeedSequence([3, 4, 5, *b"network"]).generate_state(1)
    found = seeds_of({"frozen": 7, "network": "per_offspring"}, 3, 4, 5)
    assert found == {"frozen": 7, "network": 1 + int(word) % (2**31 - 2**20)}
    names = ("network", "stimulus")
    many = [
        seed
        for g in range(20)
        for n in range(20)
        for seed in seeds_of(dict.fromkeys(names, "per_offspring"), 3, g, n).values()
    ]
    assert len(set(many)) == len(many)
    assert seeds_of({"network": "per_offspring"}, 2, 4, 5) != seeds_of({"network": "per_offspring"}, 3, 4, 5)


def test_reevaluations_have_others() -> None:
    originals = originals_of({"frozen": 7, "network": "per_offspring"}, 3)
    assert originals["frozen"] == 7
    others = {other_seeds(originals, number)["network"] for number in range(1, 20)}
    assert not others & {seeds_of({"network": "per_offspring"}, 3, g, n)["network"] for g in range(9) for n in range(9)}


def test_the_same_evaluation_submitted_again_has_the_same_seeds(tmp_path: Path) -> None:
    config = load_config(project(tmp_path, SEEDS).config)
    paths, offspring = RunPaths(tmp_path / "run").generation(4), Offspring(4, 5, (0.5, 0.5), {"x": 0.5, "y": 0.0})
    first, second = (
        NodeTask.of(config, model_of(config), offspring, paths.attempt(5, number), number) for number in (1, 2)
    )
    assert first.seeds == second.seeds == seeds_of(config.simulation.seeds, 3, 4, 5)
    assert first.all_parameters == {**first.seeds, "x": 0.5, "y": 0.0}
    assert NodeTask.from_json(first.to_json()).seeds == first.seeds


def test_a_reevaluations_own_seeds_stand_above_them(tmp_path: Path) -> None:
    config = load_config(project(tmp_path, SEEDS).config)
    again = Offspring(0, 0, (0.5,), {"x": 0.5, "y": 0.0, "frozen": 1, "network": 2, "stimulus": 3})
    task = NodeTask.of(config, model_of(config), again, RunPaths(tmp_path).generation(0).attempt(0, 1), 1)
    assert task.seeds == {"frozen": 1, "network": 2, "stimulus": 3}


def test_they_are_written_and_read_and_belong_to_what_a_run_is(tmp_path: Path) -> None:
    config = load_config(project(tmp_path, SEEDS).config)
    assert config.simulation.seeds == SEEDS
    frozen = tmp_path / "frozen.yaml"
    frozen.write_text(dump_config(config, tmp_path))
    assert load_config(frozen) == config
    assert config.identity()["simulation"]["seeds"] == SEEDS
    with pytest.raises(ConfigError, match=r"simulation.seeds.network: input should be a valid integer"):
        load_config(project(tmp_path, {"network": "per_ofspring"}).config)
