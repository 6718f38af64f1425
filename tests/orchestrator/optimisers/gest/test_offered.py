"""Our methods as generators of the gest-api standard, used as Xopt and libEnsemble use such."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import plugins_of_tests  # noqa: F401  (registers)
import pytest
from gest_api import Generator
from gest_api.vocs import VOCS, DiscreteVariable

from orchestrator.optimisers import Problem, Told, create_optimiser, gest
from orchestrator.optimisers.generator import GeneratorOptions
from orchestrator.optimisers.gest import OrchestratorGenerator
from orchestrator.records import Origin, Outcome

pytestmark = pytest.mark.methods

METHODS = ["cma", "composite", "tpe", "nearest_of_tests"]


def vocs(**changes: Any) -> VOCS:
    given = {"variables": {"x": [-2.0, 2.0], "y": [1e-3, 10.0]}, "objectives": {"f": "MINIMIZE"}}
    return VOCS(**{**given, **changes})


def create(method: str = "cma", description: VOCS | None = None, **changes: Any) -> OrchestratorGenerator:
    return OrchestratorGenerator(description or vocs(), method, **changes)


def loss(point: dict[str, Any]) -> float:
    return (float(point["x"]) - 0.5) ** 2 + (math.log10(point["y"]) + 1) ** 2


def evaluated(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**point, "f": loss(point)} for point in points]


def test_it_is_a_generator_as_the_standard_says() -> None:
    assert issubclass(OrchestratorGenerator, Generator)
    assert OrchestratorGenerator.returns_id
    assert not inspect.isabstract(OrchestratorGenerator)
    for name in ("suggest", "ingest", "finalize", "_validate_vocs"):
        ours, theirs = (inspect.signature(getattr(each, name)) for each in (OrchestratorGenerator, Generator))
        assert list(ours.parameters) == list(theirs.parameters), name
    assert next(iter(inspect.signature(OrchestratorGenerator).parameters)) == "vocs"


@pytest.mark.parametrize("method", METHODS)
def test_it_suggests_what_it_is_asked_for(method: str) -> None:
    generator = create(method, vocs(constants={"alpha": 0.5}, observables=["temperature"]), size=8)
    for number in (1, 3, None):
        points = generator.suggest(number)
        # the method that takes no rows asks for the start beside its own
        assert len(points) == (number or (5 if method == "nearest_of_tests" else 4))
        for point in points:
            assert set(point) == {"x", "y", "alpha", "_id"}
            assert -2 <= point["x"] <= 2
            assert 1e-3 <= point["y"] <= 10
            assert point["alpha"] == 0.5
    assert generator.suggest(0) == []
    with pytest.raises(ValueError, match="expected a number of points, got -1"):
        generator.suggest(-1)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_suggests_the_same(method: str) -> None:
    def suggested(seed: int) -> list[dict[str, Any]]:
        generator, found = create(method, size=4, seed=seed), []
        for _ in range(4):
            points = generator.suggest()
            found += points
            generator.ingest(evaluated(points))
        return found

    assert suggested(1) == suggested(1)
    assert suggested(1)[1:] != suggested(2)[1:]


@pytest.mark.parametrize(("method", "rounds"), [("cma", 30), ("composite", 8), ("tpe", 30)])
def test_it_finds_the_minimum_in_a_loop_of_batches(method: str, rounds: int) -> None:
    """As Xopt and Optimas do: suggest, evaluate, ingest."""
    generator, best = create(method, log=["y"], size=6), math.inf
    for _ in range(rounds):
        results = evaluated(generator.suggest())
        best = min(best, *(row["f"] for row in results))
        generator.ingest(results)
    generator.finalize()
    assert best < 1e-2


@pytest.mark.parametrize("method", ["cma", "tpe", "stateless_of_tests"])
def test_results_come_in_any_order_one_by_one_and_some_never(method: str) -> None:
    """As libEnsemble does: workers are given one point each, and numbers come back as those of numpy."""
    generator, order = create(method, size=4), random.Random(3)
    working, done = generator.suggest(5), 0
    while done < 30:
        point = working.pop(order.randrange(len(working)))
        if done % 7:
            result = {name: np.float64(value) for name, value in point.items() if name != "_id"}
            generator.ingest([{**result, "f": np.float64(loss(point)), "_id": np.int64(point["_id"])}])
        working += generator.suggest(1)
        done += 1
    generator.finalize()
    ids = [point["_id"] for point in working]
    assert len(set(ids)) == len(ids) == 5


def test_one_that_takes_whole_generations_waits_for_them() -> None:
    generator = create("nearest_of_tests", size=4)
    first = generator.suggest(2)
    with pytest.raises(
        ValueError, match=r"nearest_of_tests has 3 points before it needs results, not 4: call suggest\(\)"
    ):
        generator.suggest(4)
    rest = generator.suggest()
    assert len(rest) == 3
    generator.ingest(evaluated(rest))
    with pytest.raises(ValueError, match="nearest_of_tests waits for the results of 2 points that it has suggested"):
        generator.suggest()
    generator.ingest(evaluated(first[::-1]))
    assert len(generator.suggest()) == 4


def test_what_has_no_id_is_taken_for_what_was_suggested_with_the_same_values() -> None:
    one, other = create(size=4), create(size=4)
    for _ in range(3):
        points, same = one.suggest(4), other.suggest(4)
        assert points == same
        one.ingest(evaluated(points))
        other.ingest([{**row, "_id": math.nan} if row["x"] > 0 else row for row in without_id(evaluated(same))])


def without_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "_id"} for row in rows]


def test_what_is_known_before_is_where_it_starts() -> None:
    known = [{"x": -1.0, "y": 1.0, "f": None}, {"x": 0.4, "y": 0.2, "f": 0.1}]
    generator = create(size=4)
    generator.ingest(known)
    start = generator.suggest(1)[0]
    assert (start["x"], start["y"]) == pytest.approx((0.4, 0.2))
    proposing = create("tpe", size=4, options={"initial": 2})
    proposing.ingest(known)
    proposing.suggest(1)
    # two evaluations suffice, the failure is one of them, so that only the start is no proposal
    assert [each.origin for each in proposing._stash] == [Origin.MODEL] * 3


def test_later_it_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    one, other = create(size=4), create(size=4)
    points, same = one.suggest(4), other.suggest(4)
    one.ingest(evaluated(points))
    other.ingest([*evaluated(same), {"x": 1.0, "y": 1.0, "f": 3.0}])
    assert one.suggest(4) == other.suggest(4)
    assert "1 results that were not suggested here are left out: cma takes such only before" in caplog.text


def test_it_starts_from_the_default_values_or_in_the_middle() -> None:
    variables = {"x": {"type": "ContinuousVariable", "domain": [-2, 2], "default_value": 1.5}, "y": [1e-3, 10.0]}
    start = create(description=vocs(variables=variables), log=["y"]).suggest(1)[0]
    assert (start["x"], start["y"]) == pytest.approx((1.5, 0.1))


def test_discrete_variables_are_whole_numbers() -> None:
    variables = {"x": [0.0, 1.0], "n": DiscreteVariable(values={3, 1, 2})}
    generator = create("tpe", vocs(variables=variables), size=10, options={"initial": 5})
    points = generator.suggest(10)
    generator.ingest([{**point, "f": point["n"]} for point in points])
    points += generator.suggest(10)
    assert {type(point["n"]) for point in points} == {int}
    assert {point["n"] for point in points} == {1, 2, 3}


def test_other_discrete_variables_are_a_choice() -> None:
    variables = {"x": [0.0, 1.0], "n": DiscreteVariable(values={2, 16, 4})}
    generator = create("nsga2", vocs(variables=variables), size=10)
    points = generator.suggest(10)
    assert {point["n"] for point in points} == {2, 4, 16}
    with pytest.raises(ValueError, match="n: expected one of 2, 4, 16, got 3"):
        generator.ingest([{"x": 0.5, "n": 3, "f": 1.0}])
    with pytest.raises(
        ValueError, match="n: log needs a continuous variable, or successive whole numbers, got 2, 4, 16"
    ):
        create(description=vocs(variables=variables), log=["n"])


def test_maximised_objectives_and_several_are_scores() -> None:
    description = vocs(objectives={"f": "MINIMIZE", "g": "MAXIMIZE"})
    generator = create("nearest_of_tests", description, size=4, best={"g": 5.0})
    seen: list[Any] = []
    points = generator.suggest()
    generator._optimiser._optimiser.tell = seen.append  # type: ignore[union-attr, method-assign]
    generator.ingest([{**point, "f": n, "g": 5.0 - 2 * n} for n, point in enumerate(points)])
    # the start is not told to a method that has not asked for it
    assert seen[0].scores.tolist() == [[n, 2.0 * n] for n in range(1, 5)]


@pytest.mark.parametrize("failure", [None, math.nan, math.inf])
def test_a_failure_is_as_bad_as_the_worst(failure: float | None) -> None:
    generator = create("nearest_of_tests", size=3)
    seen: list[Any] = []
    points = generator.suggest()
    generator._optimiser._optimiser.tell = seen.append  # type: ignore[union-attr, method-assign]
    losses = [3.0, 7.0, failure, 1.0]
    generator.ingest([{**point, "f": loss} for point, loss in zip(points, losses, strict=True)])
    assert seen[0].scores[:, 0].tolist() == [7.0, 7.0, 1.0]
    assert [outcome.value for outcome in seen[0].outcomes] == ["OK", "SIMULATION_ERROR", "OK"]


def test_before_anything_works_failures_are_not_evaluated() -> None:
    generator = create(size=4)
    for _ in range(3):
        generator.ingest([{**point, "f": None} for point in generator.suggest(4)])
    assert len(generator.suggest(4)) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: {**row, "_id": 99}, "_id: 99 is not that of a suggestion whose result is missing"),
        (lambda row: {name: row[name] for name in ("x", "y", "_id")}, r"expected a value of f in each result, got \["),
        (lambda row: {**row, "f": "low"}, "f: expected a number, got 'low'"),
        (lambda row: {"x": 0.1, "f": 1.0}, "expected a value of y in each result, got"),
        (lambda row: {"x": 3, "y": 1, "f": 1.0}, r"x: expected a value inside \[-2, 2\], got 3"),
    ],
)
def test_a_wrong_result_is_refused_and_nothing_is_taken(change: Callable[[Any], Any], message: str) -> None:
    generator = create(size=2, method="stateless_of_tests")
    results = evaluated(generator.suggest(2))
    with pytest.raises(ValueError, match=message):
        generator.ingest([results[0], change(results[1])])
    generator.ingest(results)
    with pytest.raises(ValueError, match="_id: 0 is not that of a suggestion whose result is missing"):
        generator.ingest(results)


def test_methods_that_model_distances_need_the_best() -> None:
    generator = create("composite", size=4)
    with pytest.raises(ValueError, match=r"composite models how far objectives are .* best=\{name: value\}"):
        generator.ingest([{**point, "f": -1.0} for point in generator.suggest(4)])
    create("composite", size=4, best={"f": -2.0}).ingest([{"x": 0.0, "y": 1.0, "f": -1.0}])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variables": {}}, "expected at least one variable, got none"),
        ({"variables": {"x": "CONTEXTUAL"}}, "x: a contextual variable is observed, not searched"),
        ({"variables": {"x": {"a", "b"}}}, "x: expected a continuous variable, or two or more numbers, got"),
        ({"variables": {"x": {1, math.inf}}}, "x: expected a continuous variable, or two or more numbers, got"),
        (
            {"variables": {"x": {"type": "DiscreteVariable", "values": {1, 2, 4}, "default_value": 3}}},
            "x: the default value must be one of 1, 2, 4, got 3",
        ),
        ({"variables": {"x": [0, math.inf]}}, r"x: expected a finite domain, got \[0.0, inf\]"),
        (
            {"variables": {"x": {"type": "ContinuousVariable", "domain": [0, 1], "default_value": 2}}},
            r"x: the default value must be inside \[0, 1\], got 2",
        ),
        ({"objectives": {}}, "expected at least one objective, got none"),
        ({"objectives": {"f": "EXPLORE"}}, "f: expected MINIMIZE or MAXIMIZE, got EXPLORE"),
        ({"constraints": {"c": ["LESS_THAN", 0]}}, "expected no constraints, got c"),
    ],
)
def test_problems_that_are_none_of_ours_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create(description=vocs(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "cmaes"}, "unknown optimiser 'cmaes'; did you mean 'cma'?"),
        ({"options": {"modle": "none"}}, "modle"),
        ({"size": 2}, "size: cma needs at least 3 points, got 2"),
        ({"log": ["z"]}, "log: z is no variable; these are x, y"),
        ({"log": ["x"]}, r"x: log needs a domain above 0, got \[-2, 2\]"),
        ({"best": {"g": 0}}, "best: g is no objective; these are f"),
    ],
)
def test_wrong_arguments_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create(**changes)


def test_a_method_of_an_extra_that_is_missing_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optimisers.options.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"optimiser tpe needs optuna: pip install 'mozaik-orchestrator\[optuna\]'"):
        create("tpe")


def test_without_the_standard_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.optimisers.options.find_spec", lambda _: None)
    message = r"OrchestratorGenerator needs gest-api: pip install 'mozaik-orchestrator\[gest\]'"
    with pytest.raises(ImportError, match=message):
        gest.OrchestratorGenerator  # noqa: B018


@pytest.mark.parametrize("objectives", [["f"], ["f", "g"]])
def test_ours_is_used_by_ours(objectives: list[str]) -> None:
    """Both ways at once: the method `generator` with a generator that is a method of this program."""
    options = GeneratorOptions(
        generator="orchestrator.optimisers.gest:OrchestratorGenerator",
        options={"method": "cma", "size": 6},
        objectives="targets",
    )
    problem = Problem(np.array([0.8, 0.2]), np.zeros(2), 0.2, 6, 1, targets=objectives)
    optimiser = create_optimiser(options, problem)
    best = []
    for _ in range(12):
        asked = optimiser.ask()
        scores = np.repeat(((asked.points - 0.4) ** 2).sum(axis=1, keepdims=True), len(objectives), axis=1)
        best.append(scores.min())
        optimiser.tell(Told(asked.points, scores, scores, [Outcome.OK] * len(scores), asked.origins))
    assert best[-1] < best[0] / 20
