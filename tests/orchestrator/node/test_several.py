"""A job that evaluates several offspring: each has its result at once, whatever becomes of the others."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from program_jobs import config_of

from orchestrator.node.several import evaluate_several
from orchestrator.node.task import NodeTask
from orchestrator.paths import AttemptPaths, RunPaths
from orchestrator.records import Offspring, Outcome
from orchestrator.results import read_result
from orchestrator.simulations import model_of

pytestmark = pytest.mark.run

MODEL = """
import os
import signal

IMPORTED = []


def simulate(parameters, directory):
    IMPORTED.append(1)
    (directory / "process").write_text(f"{os.getpid()} {len(IMPORTED)}")
    if parameters["n"] == 2:
        os.kill(os.getpid(), signal.SIGSEGV)
    if parameters["n"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if parameters["n"] == 4:
        raise ValueError("four")
    return {"x": parameters["n"]}
"""


def attempts_at(
    model: Path, numbers: list[int], at_once: int = 1, source: str = MODEL, *, of_many: bool | None = None
) -> list[AttemptPaths]:
    (model / "model.py").write_text(source)
    section = {
        "type": "function",
        "function": "model:simulate",
        "function_of_many": source is not MODEL if of_many is None else of_many,
    }
    config = config_of(model, section, jobs={"processes_per_job": at_once}, keep={"directories": "all"})
    generation = RunPaths(model / "run_Optimization").generation(0)
    generation.create()
    attempts = []
    for index, number in enumerate(numbers):
        attempts.append(generation.attempt(index, 1))
        attempts[-1].directory.mkdir(parents=True)
        offspring = Offspring(0, index, (0.125, 0.5), {"soma.g": 0.125, "n": number})
        NodeTask.of(config, model_of(config), offspring, attempts[-1], 1).write()
    return attempts


def processes(attempts: list[AttemptPaths]) -> list[list[str]]:
    return [(attempt.simulation / "process").read_text().split() for attempt in attempts]


@pytest.mark.parametrize("at_once", [1, 2])
def test_what_ends_a_process_or_fails_costs_its_own_evaluation(at_once: int, tmp_path: Path) -> None:
    attempts = attempts_at(tmp_path, [1, 2, 1, 3, 4, 5], at_once)
    evaluate_several(*(str(attempt.task) for attempt in attempts))
    results = [read_result(attempt.result) for attempt in attempts]
    ok, wrong = Outcome.OK, Outcome.SIMULATION_ERROR
    assert [result.outcome for result in results] == [ok, wrong, ok, Outcome.CANCELLED, wrong, ok]
    assert [result.values.get("ReturnedValue(x)") for result in results if result.outcome is ok] == [1, 1, 5]
    assert [result.message for result in results if result.outcome is not ok] == [
        "its process ended by SIGSEGV",
        "its process ended by SIGKILL",
        "ValueError: four",
    ]
    assert all(math.isfinite(result.finished - result.started) and result.host for result in results)


def test_a_process_stays_up_and_has_imported_the_function_once(tmp_path: Path) -> None:
    attempts = attempts_at(tmp_path, [1] * 4)
    evaluate_several(*(str(attempt.task) for attempt in attempts))
    assert [calls for _, calls in processes(attempts)] == ["1", "2", "3", "4"]
    assert len({process for process, _ in processes(attempts)}) == 1


def test_what_another_job_has_taken_is_left_to_it(tmp_path: Path) -> None:
    attempts = attempts_at(tmp_path, [1, 1, 1])
    evaluate_several(str(attempts[1].task), str(attempts[2].task))
    before = json.loads(attempts[1].result.read_text())
    evaluate_several(*(str(attempt.task) for attempt in attempts))
    assert read_result(attempts[0].result).outcome is Outcome.OK
    assert json.loads(attempts[1].result.read_text()) == before


OPEN_FILES = """
import os
import threading


def simulate(parameters, directory):
    return {"x": len(os.listdir("/proc/self/fd")) + threading.active_count()}
"""


def test_a_process_that_stays_up_needs_no_more_from_one_evaluation_to_the_next(tmp_path: Path) -> None:
    attempts = attempts_at(tmp_path, [1] * 8, 1, OPEN_FILES, of_many=False)
    evaluate_several(*(str(attempt.task) for attempt in attempts))
    needed = [read_result(attempt.result).values["ReturnedValue(x)"] for attempt in attempts]
    assert needed[2:] == [needed[1]] * 6


OF_MANY = """
import os
import signal
from pathlib import Path

from orchestrator import Exploded


def simulate(parameter_sets, directory):
    numbers = [each["n"] for each in parameter_sets]
    with open(Path(__file__).parent / "calls", "a") as log:
        log.write(f"{numbers}\\n")
    if 5 in numbers and len(numbers) > 1:
        os.kill(os.getpid(), signal.SIGSEGV)
    if 4 in numbers:
        raise ValueError("four")
    return [{1: {"x": 1}, 2: Exploded("two"), 3: None, 5: {"x": 5}}[n] for n in numbers]
"""


def calls(model: Path) -> list[str]:
    return (model / "calls").read_text().splitlines()


@pytest.mark.parametrize(("at_once", "shares"), [(1, ["[1, 2, 3, 1]"]), (2, ["[1, 3]", "[2, 1]"])])
def test_a_function_of_many_is_called_once_in_each_process(at_once: int, shares: list[str], tmp_path: Path) -> None:
    attempts = attempts_at(tmp_path, [1, 2, 3, 1], at_once, OF_MANY)
    evaluate_several(*(str(attempt.task) for attempt in attempts))
    results = [read_result(attempt.result) for attempt in attempts]
    assert sorted(calls(tmp_path)) == shares
    assert [result.outcome.value for result in results] == ["OK", "EXPLODED", "OK", "OK"]
    assert [result.values.get("ReturnedValue(x)") for result in results] == [1, None, None, 1]
    assert results[1].message == "two"
    assert results[2].reasons == {"ReturnedValue(x)": "the function returned None for it"}
    if at_once == 1:
        assert len({result.finished - result.started for result in results}) == 1  # each took its share


def test_what_a_function_of_many_cannot_do_together_it_does_one_by_one(tmp_path: Path) -> None:
    attempts = attempts_at(tmp_path, [1, 4, 1], 1, OF_MANY)
    evaluate_several(*(str(attempt.task) for attempt in attempts))
    results = [read_result(attempt.result) for attempt in attempts]
    assert calls(tmp_path) == ["[1, 4, 1]", "[1]", "[4]", "[1]"]
    assert [result.outcome.value for result in results] == ["OK", "SIMULATION_ERROR", "OK"]
    assert results[1].message == "ValueError: four"


def test_a_process_that_ends_with_many_says_nothing_of_any(tmp_path: Path) -> None:
    attempts = attempts_at(tmp_path, [1, 5, 1], 1, OF_MANY)
    evaluate_several(*(str(attempt.task) for attempt in attempts))
    results = [read_result(attempt.result) for attempt in attempts]
    assert {result.outcome for result in results} == {Outcome.CANCELLED}
    assert {result.message for result in results} == {"its process ended by SIGSEGV, while it evaluated others as well"}
