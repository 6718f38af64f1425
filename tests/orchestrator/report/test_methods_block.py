"""The methods section: what decided about a run, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import plugins_of_tests  # noqa: F401  (registers)
import pytest
from asked_and_told import rounds
from report_runs import config, make_run

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.files import write_json
from orchestrator.optimisers import Problem, create_optimiser, optimiser
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimisers
from orchestrator.paths import RunPaths
from orchestrator.records import FloatArray, Outcome
from orchestrator.references import PROGRAMS, article
from orchestrator.report import History, write_report
from orchestrator.report.listings import files_changed
from orchestrator.report.summary import findings, good_news
from orchestrator.report.texts.dates import dates, day, ending
from orchestrator.report.texts.differences import differences, read_reference
from orchestrator.report.texts.logs import without_noise
from orchestrator.report.texts.methods import bibtex, core_hours, methods_text
from orchestrator.simulations.loaded import SIMULATORS

pytestmark = pytest.mark.drawing

KINDS = optimisers().known()
# others are those of other tests
OWN = [name for name, kind in KINDS.items() if kind.create.__module__.startswith("orchestrator.")]
# methods without a publication, and why
UNPUBLISHED = {
    "ga": "the algorithm of a program, github.com/rat-h/pyneuronautofit",
    "generator": "the class that is used is somebody else's",
    "grid": "every combination of a few values",
    "table": "parameter sets that are given",
}
# keys that methods need
REQUIRED: dict[str, dict[str, Any]] = {
    "generator": {"generator": "plugins_of_tests:Nearby"},
    "table": {"file": "sets.csv"},
}
# what has references of its own
PLAIN = {"cma": {"model": "none"}}
NAMES, LABELS = ["sheets.exc.w", "sheets.inh.w"], ["Rate(exc)", "CV(exc)"]


def history_of(directory: Path, generations: int = 3, **changes: Any) -> History:
    settings = {
        "optimiser": {"method": "cma", "model": "targets", "polish": "nelder_mead"},
        "offspring_size": 4,
        "optimiser_seed": 7,
        "optimiser_sigma": 0.2,
        "jobs": {"ntasks": 2, "cpus_per_task": 8},
        "simulation": {"type": "function", "function": "model:simulate", "seeds": {"pynn_seed": 936395}},
        **changes,
    }
    run = make_run(
        directory / "run",
        generations=generations,
        text=config(NAMES, LABELS, **settings),
        outcome=lambda _g, i: Outcome.EXPLODED if i == 3 else Outcome.OK,
    )
    return History.of(Checkpoint(run.checkpoint))


def test_the_text_says_all_that_decided(tmp_path: Path) -> None:
    history = history_of(tmp_path)
    found = {"orchestrator": "0.1.0", "cma": "4.5.0", "model": "commit abc123, with changes in 2 files"}
    text = methods_text(replace(history, versions=found))
    for words in (
        "The parameters of model:simulate were fitted",
        "cma 4.5.0",
        "When the run began, the model was that of commit abc123, with changes in 2 files.",
        "cma (Hansen 2016), with Gaussian processes of the targets' values (Astudillo & Frazier 2019), to be finished",
        "to be finished by nelder_mead (Nelder & Mead 1965) (model targets)",
        "with 4 offspring per generation",
        "an initial standard deviation of 0.2 of the ranges",
        "seed 7",
        "pynn_seed 936395",
        "12 evaluations in 3 generations were made between",
        "9 OK, 3 EXPLODED",
        "- sheets.inh.w: 0.1 to 1 (logarithmic); best",
        "- Rate(exc): 0; norm 0.5, score at most 20",
    ):
        assert words in text
    # 12 jobs of 40 to 43 s on 16 cores
    assert core_hours(history) == (pytest.approx(3 * (40 + 41 + 42 + 43) * 16 / 3600), 16)
    assert "core-hours (16 cores each)" in text


def test_that_files_of_the_model_have_changed_since_is_said(tmp_path: Path) -> None:
    history, paths = history_of(tmp_path), RunPaths(tmp_path / "run")
    write_json(paths.model, {"changed": {"model.py": 1e9, "cells.py": 2e9}})
    text = methods_text(replace(history, versions={"model": "commit abc123"}), files_changed(paths))
    assert "that of commit abc123. Its files have changed since, while the run went on: model.py, cells.py." in text
    report = write_report([paths], tmp_path / "report.html").read_text()
    assert "is not known. Its files have changed since, while the run went on: model.py, cells.py." in report
    write_json(paths.model, {"changed": 3})
    assert "changed since" not in methods_text(history, files_changed(paths))


def test_what_is_not_known_is_not_guessed(tmp_path: Path) -> None:
    text = methods_text(history_of(tmp_path, generations=0, optimiser=None, offspring_size=None))
    assert "No generation is complete yet." in text
    assert "The method is not known" in text
    assert "is not known." in text
    assert "nan" not in text


def test_a_choice_is_its_values(tmp_path: Path) -> None:
    parameters = {NAMES[0]: {"prior": {"choice": [1, 0.5, 2]}, "names": ["a.w"]}}
    text = methods_text(history_of(tmp_path, parameters=parameters))
    assert "- sheets.exc.w: one of 0.5, 1, 2; simulations get it as a.w; best" in text


def test_priors_and_weights_decide_and_are_said_and_whether_nothing_follows_them_is_not(tmp_path: Path) -> None:
    parameters: dict[str, object] = {
        NAMES[0]: {"bounds": [0, 1], "prior": {"normal": [0.5, 0.1]}},
        NAMES[1]: {"prior": {"choice": [1, 2], "weights": [1, 3]}},
    }
    optimiser = {"method": "sobol", "priors": True}
    text = methods_text(history_of(tmp_path / "one", parameters=parameters, optimiser=optimiser))
    assert "- sheets.exc.w: 0 to 1; prior: normal, mean 0.5, sd 0.1; best" in text
    assert "- sheets.inh.w: one of 1, 2 with weights 1, 3; best" in text
    assert "(priors true)" in text
    parameters = {NAMES[0]: {"bounds": [1, 9], "prior": {"lognormal": [2, 0.5]}}, NAMES[1]: [0, 1]}
    text = methods_text(history_of(tmp_path / "two", parameters=parameters, optimiser=optimiser))
    assert "; prior: lognormal, median 2, sd of the logarithm 0.5; best" in text
    text = methods_text(history_of(tmp_path / "three", parameters={NAMES[0]: [0, 1]}, optimiser=optimiser))
    assert "priors" not in text


def test_lists_constants_and_what_is_computed_decided_too(tmp_path: Path) -> None:
    parameters = {
        NAMES[0]: {"bounds": [0, 1], "names": ["a.w", "b.w"]},
        "fixed": 3,
        "sum": {"expression": "fixed + 1"},
    }
    optimiser = {"method": "grid", "points": {NAMES[0]: 5}, "flag": False, "learn_from": ["a_run", "b_run"], "none": []}
    simulation = {"type": "function", "function": "model:simulate", "trials": 10}
    text = methods_text(history_of(tmp_path, parameters=parameters, optimiser=optimiser, simulation=simulation))
    assert '(points {"sheets.exc.w": 5}, flag false, learn_from ["a_run", "b_run"]), with' in text
    assert "standard deviation" not in text
    assert "12 evaluations of 10 trials each in 3 generations" in text
    assert "- sheets.exc.w: 0 to 1; simulations get it as a.w, b.w; best" in text
    assert "- sheets.inh.w: bounds not known; best" in text
    assert "Not searched (2):\n- fixed: 3, constant\n- sum: fixed + 1, computed\n" in text


@pytest.mark.parametrize(
    ("changes", "cores"),
    [
        ({"jobs": {"cpus_per_task": 32, "evaluations_per_job": 64}}, 1),
        ({"jobs": {"cpus_per_task": 32, "evaluations_per_job": "auto", "processes_per_job": 4}}, 8),
        ({"jobs": {"cpus_per_task": 32, "processes_per_job": 4}}, 32),
        ({"jobs": {"ntasks": 2}, "simulation": {"threads": 4}}, 8),
        ({"jobs": {}, "simulation": {"n_procs": 3}}, 3),
        ({"jobs": {}, "slurm": {"ntasks": 2, "cpus_per_task": 8}}, 16),  # where these keys were once
        ({"executor": "local"}, 1),
        ({"executor": "local", "simulation": {"threads": 4}}, 4),
    ],
    ids=str,
)
def test_core_hours_are_of_the_cores_that_an_evaluation_had(
    changes: dict[str, Any], cores: int, tmp_path: Path
) -> None:
    hours, each = core_hours(history_of(tmp_path, generations=1, **changes))
    assert (hours, each) == (pytest.approx((40 + 41 + 42 + 43) * cores / 3600), cores)


@pytest.mark.parametrize("name", OWN)
def test_every_method_has_its_reference_or_a_reason_why_not(name: str, tmp_path: Path) -> None:
    references = KINDS[name].cited.references
    assert bool(references) is (name not in UNPUBLISHED)
    history = history_of(tmp_path, optimiser={"method": name, **REQUIRED.get(name, {}), **PLAIN.get(name, {})})
    words = "; ".join(each.words for each in references)
    assert f"The method was {name} ({words})" in methods_text(history) or not references
    found, own = bibtex(history), PROGRAMS.values()
    assert found.count("\n@") == len(references)
    for each in references:
        assert each.bibtex in found
        assert dict(each.fields)["year"] in each.words
        assert each not in own


def test_every_simulator_has_its_reference() -> None:
    assert set(PROGRAMS) == set(SIMULATORS.values())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in KINDS),
        ("cma", {"model": "none"}),
        ("differential_evolution", {"design": "sobol"}),
        ("generator", {"initial": 12}),
        ("generator", {"initial": 12, "design": "sobol"}),
        ("hybrid", {"design": "sobol"}),
        ("nsga2", {"initial": "start"}),
        ("sobol", {"polish": "nelder_mead"}),
        ("tpe", {"design": "sobol"}),
        ("tpe", {"polish": "gauss_newton"}),
    ],
    ids=str,
)
def test_sigma_is_said_exactly_if_it_decides(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    section = {"method": name, **REQUIRED.get(name, {}), **changes}
    one, other = (asked(KINDS[name].options(**section), sigma) for sigma in (0.2, 0.02))
    text = methods_text(history_of(tmp_path, optimiser=section))
    said = ", an initial standard deviation of 0.2 of the ranges" in text
    assert said is not np.array_equal(one, other)


def asked(options: OptimiserOptions, sigma: float) -> FloatArray:
    """Return the points of some generations of a search with so wide a beginning."""
    sets = np.random.default_rng(1).random((100, 2))
    problem = Problem(
        np.array([0.3, 0.6]), np.zeros(2), sigma=sigma, size=6, seed=3, targets=["a", "b"], budget=24, sets=sets
    )
    blocks = rounds(create_optimiser(options, problem), 4, lambda points: 40 * (points - 0.5) ** 2)
    return np.vstack([each.points for each in blocks])


@pytest.mark.parametrize("name", ["my_search.py:Nearest", "my_package.search:Nearest", "of_another_machine"])
def test_of_a_method_that_nobody_here_knows_is_said_what_was_given(name: str, tmp_path: Path) -> None:
    history = history_of(tmp_path, optimiser={"method": name, "width": 0.3})
    text = methods_text(history)
    assert f"The method was {name} (width 0.3), with 4 offspring per generation, optimiser_sigma 0.2, and" in text
    assert bibtex(history).count("@") == 1


def test_runs_of_versions_without_a_key_are_cited_as_they_were(tmp_path: Path) -> None:
    text = methods_text(history_of(tmp_path, optimiser={"method": "cma", "key_of_another_version": 1}))
    assert "The method was cma (Hansen 2016) (key_of_another_version 1), with 4 offspring" in text
    text = methods_text(history_of(tmp_path / "wrong", optimiser={"method": "cma", "proposals": "many"}))
    assert "The method was cma (Hansen 2016) (proposals many), with 4 offspring" in text


def test_somebody_elses_method_says_what_it_is_called_and_cited_by(tmp_path: Path) -> None:
    own = article("doe2024", "Doe 2024", "Doe, Jane", "Boxes", "Journal of Boxes", 2024)
    # has the key of an entry that is here already
    twice = article("nelder1965", "Nelder & Mead 1965", "Nelder and Mead", "Simplices", "The Computer Journal", 1965)
    with optimisers().restored():
        optimiser("walk", references=(own, twice), called="a random walk")(type("Walk", (), {"__module__": __name__}))
        history = history_of(tmp_path, optimiser={"method": "walk", "polish": "nelder_mead"})
        text, entries = methods_text(history), bibtex(history)
    assert "The method was a random walk (Doe 2024; Nelder & Mead 1965), to be finished by nelder_mead" in text
    assert "(method walk), with 4 offspring" in text
    assert re.findall(r"^@\w+\{(\w+),$", entries, re.M) == ["mozaik_orchestrator", "doe2024", "nelder1965"]
    assert own.bibtex in entries


def test_references_are_of_what_was_used(tmp_path: Path) -> None:
    history = replace(history_of(tmp_path), versions={"orchestrator": "9.9", "NEST": "3.9", "PyNN": "0.12"})
    text = bibtex(history)
    keys = re.findall(r"^@\w+\{(\w+),$", text, re.M)
    assert keys == ["mozaik_orchestrator", "hansen2016", "astudillo2019", "nelder1965", "davison2009", "gewaltig2007"]
    assert "version = {9.9}" in text
    assert text.count("{") == text.count("}")


def test_the_head_says_when_and_whether_it_has_ended(tmp_path: Path) -> None:
    history, paths = history_of(tmp_path), RunPaths(tmp_path / "run")
    assert dates(history) == f"{day(1e9)} to {day(1e9 + 253)}, 4 min 13 s"
    assert ending(paths) == ""
    assert ending(paths, "max_ngen reached") == "Finished: max_ngen reached"
    write_json(paths.holder, {"pid": 1, "since": 1.0})
    assert ending(paths).startswith("Interrupted")
    for how, words in (("finished", "Finished: it is good enough"), ("stopped", "Stopped: it is good enough")):
        write_json(paths.holder, {"pid": 1, "since": 1.0, "ended": 2.0, "how": how, "why": "it is good enough"})
        assert ending(paths) == words


def test_good_news_is_no_finding(tmp_path: Path) -> None:
    run = make_run(tmp_path / "good", values=lambda *_: [0.0, 0.1])
    history = History.of(Checkpoint(run.checkpoint))
    assert good_news(history) == ["Every target of the best evaluation is within 1 norm."]
    assert not [text for text in findings(history) if "within 1 norm" in text]
    assert good_news(history_of(tmp_path, 0)) == []


def test_waiting_on_this_machine_is_not_a_queue(tmp_path: Path) -> None:
    assert "waiting for a worker" in history_of(tmp_path / "local", executor="local").phases
    assert "queue" in history_of(tmp_path / "slurm", executor="slurm").phases


def test_a_log_is_without_what_simulators_always_print() -> None:
    log = """
             -- N E S T --
 Copyright (C) 2004 The NEST Initiative

 Version: 3.9.0
 Built  : Jun 10 2026
 See the file LICENSE for details.
 Problems or suggestions?
   Visit https://www.nest-simulator.org

 Type 'nest.help()' to find out more about NEST.
CMake Error at CMakeLists.txt:44 (find_program):
  Could not find nest-config.

  Call Stack (most recent call first):
    CMakeLists.txt:12
-- Configuring incomplete, errors occurred!
See the file LICENSE
/lib/pyNN/nest/simulator.py:50: UserWarning: Cannot find nest-config
Nov 26 10:00:00 SimulationManager::run [Info]:
sheet V1_Exc_L4 fires at 120.5 Hz
  slice 3
"""
    assert without_noise(log) == "sheet V1_Exc_L4 fires at 120.5 Hz\n  slice 3"


def test_the_best_is_compared_with_the_start_or_with_what_the_user_names(tmp_path: Path) -> None:
    history, paths = history_of(tmp_path), RunPaths(tmp_path / "run")
    own, begin = history.points[history.best], history.points[history.start]
    beside = differences(history, None)
    assert beside is not None
    assert beside.title == "start"
    assert [float(value) for value, _ in beside.rows] == pytest.approx(begin, rel=1e-3)
    file = tmp_path / "published.yaml"
    file.write_text(f"optimiser_centroid:\n  {NAMES[0]}: {float(own[0]) / 2}\n  other: a\n")
    found = differences(history, read_reference(file, NAMES))
    assert found is not None
    assert found.title == "reference"
    assert found.rows == [(f"{own[0] / 2:.4g}", "+100 %"), ("–", "–")]
    page = write_report([paths], tmp_path / "report.html", reference=file).read_text()
    assert "+100 %" in page
    assert differences(history, dict.fromkeys(NAMES, 0.0)).rows == [("0", "–")] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n", "expected values of sheets.exc.w or others of the run's parameters, got none"),
        ("sheets.exc.w: [1]\n", "sheets.exc.w: expected a number, got [1]"),
        ("sheets.exc.w: .nan\n", "sheets.exc.w: expected a number, got nan"),
        ("nothing", "expected parameters and their values in YAML"),
    ],
)
def test_a_wrong_reference_is_refused(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "published.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=re.escape(words)):
        read_reference(file, NAMES)


def test_a_reference_is_a_file_for_one_run(tmp_path: Path) -> None:
    history_of(tmp_path)
    paths = RunPaths(tmp_path / "run")
    with pytest.raises(UsageError, match="cannot be read"):
        write_report([paths], tmp_path / "report.html", reference=tmp_path / "gone.yaml")
    with pytest.raises(UsageError, match="is for the report of one run, got 2 runs"):
        write_report([paths, paths], tmp_path / "report.html", reference=tmp_path / "gone.yaml")
