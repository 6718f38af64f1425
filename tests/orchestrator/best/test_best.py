"""Which evaluations are best, and how they are told."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from best_runs import copied, said, written_run
from orchestrator_project import Project
from typer.testing import CliRunner

from orchestrator.best.formats import as_overrides, overrides_too_long
from orchestrator.checkpoint import Checkpoint
from orchestrator.cli import app
from orchestrator.config.model import Config
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.reevaluation.choosing import choose
from orchestrator.report import History
from orchestrator.run.start import Ended
from orchestrator.simulations.function import FunctionModel
from orchestrator.simulations.seeds import other_seeds

pytestmark = pytest.mark.commands

SPACE = {"x": [0, 1], "n": {"bounds": [1, 9], "integer": True}}
TARGETS = [
    {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1},
    {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.25, "max_score": 5},
]
HISTORY = [
    ({"x": 0.9, "n": 5}, [9.0, 0.5]),  # 6 + 2
    ({"x": 0.1, "n": 2}, [2.0, 1.25]),  # 1 + 1
    ({"x": 0.2, "n": 3}, Outcome.EXPLODED),
    ({"x": 0.1, "n": 2}, [2.5, 1.25]),  # the same parameters again: 0.5 + 1
    ({"x": 0.3, "n": 4}, [3.0, 1.5]),  # 0 + 2
    ({"x": 0.4, "n": 4}, [5.0, float("nan")]),  # 2 + 5
    ({"x": 0.5, "n": 7}, Outcome.TIMEOUT),
    ({"x": 0.6, "n": 8}, [1.0, 1.0]),  # 2 + 0
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    changes = {"parameters": SPACE, "targets": TARGETS, "optimiser_centroid": {"x": 0.9, "n": 5}}
    return written_run(Project.create(tmp_path_factory.mktemp("written"), changes).config, HISTORY)


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "project")


def test_the_best_are_ok_different_and_in_order(run: RunPaths) -> None:
    choice = choose(Checkpoint(run.checkpoint), 10)
    # ties in the order of the run; of the parameters that were evaluated twice the better evaluation
    assert [(each.rank, each.generation, each.offspring) for each in choice.best] == [
        (1, 0, 3),
        (2, 1, 0),
        (3, 1, 3),
        (4, 1, 1),
        (5, 0, 0),
    ]
    assert [each.total_score for each in choice.best] == [1.5, 2, 2, 7, 8]
    assert choice.best[0].parameters == {"x": 0.1, "n": 2}
    assert isinstance(choice.best[0].parameters["n"], int)
    assert choice.best[3].values == {"ReturnedValue(rate)": 5.0, "ReturnedValue(cv)": None}
    assert choice.start is not None
    assert choice.start.parameters == {"x": 0.9, "n": 5}
    assert choice.note == (
        "8 evaluations, 6 of them OK; only these can be best (1 EXPLODED, 1 TIMEOUT). "
        "10 were asked for, there are 5 different ones."
    )


def test_an_explosion_is_never_best(tmp_path: Path) -> None:
    """With max_score 5 for a single target, a bad network is worse than one that exploded."""
    project = Project.create(tmp_path, {"targets": TARGETS})
    paths = written_run(project.config, [({"x": 0, "y": 0}, Outcome.EXPLODED), ({"x": 1, "y": 2}, [100.0, 100.0])])
    (best,) = choose(Checkpoint(paths.checkpoint), 3).best
    assert best.parameters == {"x": 1.0, "y": 2.0}


def test_of_scores_at_the_cap_the_best_is_what_the_optimiser_ranked_first(tmp_path: Path) -> None:
    """With a norm that is too small all scores are equal, and the start was called the best."""
    paths = written_run(Project.create(tmp_path, {"targets": TARGETS}).config, [])
    checkpoint = Checkpoint(paths.checkpoint)
    rows = [
        Evaluation(Offspring(0, n, (0.5,) * 2, {"x": n, "y": 0}), Result(Outcome.OK), (9e3, 9e3), (20.0, 5.0), 1, 0.0)
        for n in range(3)
    ]
    ranked = [(20.5, 5.25), (20.5, 5.125), (20.75, 5.125)]
    checkpoint.append([replace(row, ranked_scores=each) for row, each in zip(rows, ranked, strict=True)], {})
    choice = choose(checkpoint, 3)
    assert [each.offspring for each in choice.best] == [1, 0, 2]
    assert [each.total_score for each in choice.best] == [25, 25, 25]
    history = History.of(checkpoint)
    assert history.ranked(3).tolist() == [1, 0, 2]  # the report says the same
    assert history.best == 1


def test_a_run_in_which_nothing_is_ok_has_no_best(tmp_path: Path) -> None:
    paths = written_run(Project.create(tmp_path).config, [({"x": 0, "y": 0}, Outcome.EXPLODED)] * 4)
    message = "nothing is best yet. 4 evaluations, 0 of them OK; only these can be best (4 EXPLODED)"
    seeds = "simulation.seeds={seed: 1}"
    for options in ([], ["--json"], ["--apply", "new"], ["--reevaluate", 1, "--set", seeds]):
        assert message in said("best", paths.directory, *options)


def test_a_start_that_was_not_evaluated_is_said_so(tmp_path: Path) -> None:
    """Its job was lost until the timeout: its scores are NaN, which are no numbers to compare with."""
    changes = {"parameters": SPACE, "targets": TARGETS, "optimiser_centroid": {"x": 0.9, "n": 5}}
    run = written_run(Project.create(tmp_path, changes).config, [({"x": 0.9, "n": 5}, Outcome.CANCELLED), *HISTORY[1:]])
    out = said("best", run.directory)
    assert "at the start not evaluated, CANCELLED" in out
    assert "nan" not in out.lower()
    assert json.loads(said("best", run.directory, "--json"))[0]["total_score"] == 1.5


def test_a_run_without_a_generation_has_no_best(tmp_path: Path) -> None:
    paths = written_run(Project.create(tmp_path).config, [])
    assert "nothing is best yet. No generation is complete yet." in said("best", paths.directory)


def test_the_table_has_start_and_best_of_every_parameter_and_target(run: RunPaths) -> None:
    lines = [line.split() for line in said("best", run.directory).splitlines()]
    assert ["x", "0.9", "0.1"] in lines
    assert ["n", "5", "2"] in lines
    assert ["ReturnedValue(rate)", "9", "6", "2.5", "0.5"] in lines
    assert ["ReturnedValue(cv)", "0.5", "2", "1.25", "1"] in lines
    three = said("best", run.directory, "--top", 3)
    assert [three.index(f"{rank}. Total score") for rank in (1, 2, 3)] == sorted(
        three.index(f"{rank}. Total score") for rank in (1, 2, 3)
    )
    assert "(generation 1 offspring 3: a sample of the search); at the start 8" in three


def test_the_checkpoint_alone_suffices(run: RunPaths) -> None:
    alone = run.checkpoint.rename(run.directory.parent / "copied.h5")
    assert json.loads(said("best", alone, "--json"))[0]["parameters"] == {"x": 0.1, "n": 2}


def test_json_has_values_and_scores_of_every_target(run: RunPaths) -> None:
    first, *_, fourth = json.loads(said("best", run.directory, "--json", "--top", 4))
    assert first == {
        "rank": 1,
        "generation": 0,
        "offspring": 3,
        "origin": "sample",
        "outcome": "OK",
        "total_score": 1.5,
        "parameters": {"x": 0.1, "n": 2},
        "targets": [
            {"name": "ReturnedValue(rate)", "value": 2.5, "score": 0.5, "noise": None},
            {"name": "ReturnedValue(cv)", "value": 1.25, "score": 1.0, "noise": None},
        ],
        "given": {"x": 0.1, "n": 2},
        "seeds": {},
        "again": None,
    }
    assert fourth["targets"][1] == {"name": "ReturnedValue(cv)", "value": None, "score": 5.0, "noise": None}


LONG = "sheets.V1_Exc_L4.LateralConnections.short_range.weight_functions.f1.params.sigma_of_the_gaussian_" * 3


def test_tables_in_a_batch_log_are_as_wide_as_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were broken after 80 columns, in the middle of names."""
    monkeypatch.delenv("COLUMNS", raising=False)
    changes = {"parameters": {LONG: [0, 1]}, "targets": TARGETS, "optimiser_centroid": {LONG: 0.9}}
    project = Project.create(tmp_path, changes)
    run = written_run(project.config, [({LONG: 0.9}, [9.0, 0.5]), ({LONG: 0.125}, [2.0, 1.25])])
    monkeypatch.setattr("orchestrator.run.start.start", lambda *arguments: Ended(run, "max_ngen reached"))
    for printed in (said("best", run.directory), said("run", project.config)):
        lines = [line.split() for line in printed.splitlines()]
        assert [LONG, "0.9", "0.125"] in lines
    said("score", "--rescore", run.directory, "--config", project.config)


def test_yaml_is_fit_for_the_start_of_another_run(run: RunPaths) -> None:
    best = yaml.safe_load(said("best", run.directory, "--yaml"))
    assert best == {"x": 0.1, "n": 2}
    assert yaml.safe_load(said("best", run.directory, "--yaml", "--top", 2)) == [best, {"x": 0.3, "n": 4}]
    changed = {**yaml.safe_load(run.config.read_text()), "optimiser_centroid": best, "model_dir": "."}
    assert Config.model_validate(changed).optimiser_centroid == {"x": 0.1, "n": 2}


def test_overrides_are_what_run_py_of_mozaik_takes(run: RunPaths) -> None:
    """An odd number of words with run.py, the file and the run's name; every second one is evaluated."""
    (line,) = said("best", run.directory, "--overrides").splitlines()
    words = shlex.split(f"run.py nest 1 param/defaults {line} name")
    assert len(words) % 2 == 1
    assert dict(zip(words[4:-1:2], map(yaml.safe_load, words[5:-1:2]), strict=True)) == {"x": 0.1, "n": 2}


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-17, np.nextafter(1.0, 2.0).item(), 123456789.0, 7])
def test_overrides_have_all_digits(value: float) -> None:
    name, text = shlex.split(as_overrides({"a name.x": value}))
    assert name == "a name.x"
    assert yaml.safe_load(text if "e" not in text else f"{float(text):f}") is not None
    assert float(text) == value
    assert "np" not in text


def test_too_many_overrides_for_a_directory_are_told(tmp_path: Path) -> None:
    names = [f"sheets.l4_cortex_exc.Connection{n}.base_weight" for n in range(9)]
    assert not overrides_too_long(dict.fromkeys(names[:3], 0.00123456789012345))
    assert overrides_too_long(dict.fromkeys(names, 0.00123456789012345))
    values = dict.fromkeys(names, 0.00123456789012345)
    project = Project.create(
        tmp_path, {"parameters": {name: [0, 1] for name in names}, "optimiser_centroid": {}, "targets": TARGETS}
    )
    paths = written_run(project.config, [(values, [3.0, 1.0])])
    result = CliRunner().invoke(app, ["best", str(paths.directory), "--overrides"])
    assert len(result.stdout.splitlines()) == 1
    assert "--apply param_best" in result.stderr


def test_fewer_than_asked_for_are_told_and_do_not_disturb_programs(run: RunPaths) -> None:
    result = CliRunner().invoke(app, ["best", str(run.directory), "--json", "--top", "9"])
    assert len(json.loads(result.stdout)) == 5
    assert "9 were asked for, there are 5 different ones" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--json", "--yaml"], "--json does not go with --yaml"),
        (["--yaml", "--overrides"], "--yaml and --overrides do not go together"),
        (["--apply", "a", "--reevaluate", "1"], "--apply and --reevaluate do not go together"),
        (["--reevaluate", "1", "--reevaluated"], "do not go together"),
        (["--apply", "a", "--top", "2"], "--top does not go with --apply; --rank says which of the best"),
        (["--reevaluate", "1", "--top", "2"], "--reevaluate N says how many"),
        (["--rank", "2"], "--rank goes only with --apply"),
        (["--base-param", "p"], "--base-param goes only with --apply"),
        (["--seeds", "2"], "--seeds goes only with --reevaluate"),
        (["--force"], "--force goes only with --apply or --reevaluate"),
        (["--set", "timeout=1h"], "--set goes only with --reevaluate"),
        (["--apply", "new"], "the model of this run has none (function: model:simulate)"),
        (["--apply", "new", "--rank", "6"], "--rank 6: expected 1 to 5"),
        (["--reevaluated"], "nothing was evaluated again yet"),
        (["--reevaluate", "1"], "simulation.seeds is empty"),
        (["--reevaluate", "1", "--set", "targets.0.norm=2"], "targets[0].norm: 1 in the run, 2 now"),
        (["--reevaluate", "1", "--set", "simulation.seeds={x: 1}"], "x is among parameters and among simulation.seeds"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_message_and_leaves_nothing(run: RunPaths, options: list[str], message: str) -> None:
    before = sorted(run.directory.parent.rglob("*"))
    answer = said("best", run.directory, *options)
    assert answer.startswith("refused: ")
    assert message in answer
    assert [path for path in sorted(run.directory.parent.rglob("*")) if "__pycache__" not in path.parts] == before


def test_a_file_of_the_simulators_own_is_overwritten_only_with_force(
    run: RunPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: FunctionModel, parameters: Mapping[str, float | int], file: Path) -> None:
        file.write_text(json.dumps(dict(parameters)))

    monkeypatch.setattr(FunctionModel, "own_file", "a network of the tests")
    monkeypatch.setattr(FunctionModel, "write_own_file", write)
    file = run.directory.parent / "best.json"
    command = ["best", run.directory, "--apply", "best.json", "--rank", "2"]
    answer = said(*command)
    assert answer.split() == (
        f"Wrote {file}: a network of the tests, with the 2 parameters of generation 1 offspring 0 "
        "(rank 2, total score 2).".split()
    )
    assert json.loads(file.read_text()) == {"x": 0.3, "n": 4}
    assert said(*command) == f"refused: {file}: there already. With --force it is overwritten"
    file.write_text("")
    said(*command, "--force")
    assert json.loads(file.read_text()) == {"x": 0.3, "n": 4}
    assert said("best", run.directory, "--apply", ".", "--force").endswith("there already. Name a file")
    assert "there is no directory" in said("best", run.directory, "--apply", "no/best.json")


def test_other_seeds_are_a_function_of_the_original_and_their_number() -> None:
    seeds = {"pynn_seed": 513, "mpi_seed": 1023}
    many = [other_seeds(seeds, number) for number in range(1, 200)]
    assert many[0] == other_seeds(seeds, 1)
    # for whoever wants to repeat one by hand
    (word,) = np.random.SeedSequence([513, 1]).generate_state(1)
    assert many[0]["pynn_seed"] == 1 + int(word) % (2**31 - 2**20)
    every = [seed for each in many for seed in each.values()]
    assert len(set(every)) == len(every)
    assert not set(every) & set(seeds.values())
    assert all(1 <= seed < 2**31 for seed in every)
    assert other_seeds({"a": -1, "b": 1}, 3)["a"] == other_seeds({"a": 1}, 3)["a"]
