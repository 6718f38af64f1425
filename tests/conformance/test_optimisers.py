"""What every optimiser has to do: those of the program, those that are installed, and those of the tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plugins_of_tests  # noqa: F401  (registers)
import pytest

from orchestrator.config.parameters import read_parameter, space_of
from orchestrator.optimisers import Asked, Optimiser, Problem, Told, create_optimiser
from orchestrator.optimisers.guard import Guarded
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimisers
from orchestrator.optimisers.space import SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

START = np.array([0.1, 0.2, 0.8, 0.5])
KINDS = optimisers().known()
# with another one for the last part of the budget
POLISHED = ("cma then nelder_mead", "cma then gauss_newton", "grid then nelder_mead", "hybrid then nelder_mead")
METHODS = (*KINDS, *POLISHED)
IN_ORDER = [name for name in METHODS if not KINDS[name.split()[0]].any_rows]
ANY_ROWS = [name for name in METHODS if KINDS[name.split()[0]].any_rows]
SIZE = 8
# of methods that have required keys
REQUIRED: dict[str, dict[str, Any]] = {
    "generator": {"generator": "plugins_of_tests:Nearby"},
    "table": {"file": "sets.csv"},
}


# each parameter's bounds follow from the one before
MOVING = space_of(
    {
        name: read_parameter(spec)
        for name, spec in {
            "a": [0, 1],
            "b": ["a", "2 * a + 1"],
            "c": {"bounds": ["b + 0.1", 20], "scale": "log"},
            "n": {"bounds": [1, "c + 2"], "integer": True},
        }.items()
    }
)


def options_of(method: str) -> OptimiserOptions:
    name, _, polish = method.partition(" then ")
    return KINDS[name].options(method=name, polish=polish or "none", polish_after=0.5, **REQUIRED.get(name, {}))


def fresh(
    method: str, seed: int = 4, start: FloatArray = START, space: SearchSpace | None = None, sigma: float = 0.3
) -> Optimiser:
    options = options_of(method)
    steps = np.zeros(len(start))
    steps[-1] = 0.1
    steps = steps if space is None else space.steps
    # for methods that evaluate what they are given
    sets = np.random.default_rng(seed).random((30 * SIZE, len(start)))
    problem = Problem(
        start, steps, sigma=sigma, size=SIZE, seed=seed, targets=["a", "b"], space=space, budget=4 * SIZE, sets=sets
    )
    return create_optimiser(options, problem)


def told(asked: Asked, **changes: Any) -> Told:
    scores = np.minimum(20.0, 40 * (asked.points[:, :2] - 0.6) ** 2)
    rows = {"points": asked.points, "values": scores - 1, "scores": scores, "outcomes": [Outcome.OK] * len(scores)}
    return Told(**{**rows, "origins": asked.origins, **changes})


def run(optimiser: Optimiser, generations: int) -> list[Told]:
    history = []
    for _ in range(generations):
        history.append(told(optimiser.ask()))
        optimiser.tell(history[-1])
    return history


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("method", KINDS)
def test_says_what_it_is_and_what_its_options_are(method: str) -> None:
    kind = KINDS[method]
    assert kind.documentation
    assert all(field.description for field in kind.options.model_fields.values())


@pytest.mark.parametrize("generations", [4, 15])
def test_points_are_finite_and_inside_the_cube(method: str, generations: int) -> None:
    optimiser = fresh(method)
    for _ in range(generations):
        asked = optimiser.ask()
        assert np.isfinite(asked.points).all()
        assert ((asked.points >= 0) & (asked.points <= 1)).all()
        assert len(asked.points) >= 1
        # drives the search into a corner
        scores = asked.points[:, :2]
        optimiser.tell(told(asked, scores=scores))


def test_the_start_is_evaluated_first_and_only_once(method: str) -> None:
    origins = [entry.origins for entry in run(fresh(method), 4)]
    assert origins[0][0] is Origin.START
    assert sum(origin is Origin.START for block in origins for origin in block) == 1


@pytest.mark.parametrize("start", [[0.0, 1.0, 0.5, 0.5], [0.0] * 4, [1.0] * 4], ids=str)
def test_a_start_on_a_bound_is_asked_for_exactly(method: str, start: list[float]) -> None:
    assert fresh(method, start=np.array(start)).ask().points[0].tolist() == start


@pytest.mark.parametrize("generations", [2, 5])
def test_the_same_seed_asks_for_the_same_points_and_another_for_others(method: str, generations: int) -> None:
    one, same, other = (run(fresh(method, seed), generations) for seed in (4, 4, 5))
    assert all(np.array_equal(a.points, b.points) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a.points, b.points) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("method", KINDS)
def test_options_say_whether_sigma_decides_where_it_looks(method: str) -> None:
    one, other = (run(fresh(method, sigma=sigma), 2) for sigma in (0.3, 0.1))
    same = all(np.array_equal(a.points, b.points) for a, b in zip(one, other, strict=True))
    assert options_of(method).by_sigma is not same


@pytest.mark.parametrize("generations", [2, 10])
def test_a_replay_is_the_same_bit_for_bit_whatever_others_draw(method: str, generations: int) -> None:
    first = fresh(method)
    history = run(first, generations)
    np.random.random(7)
    second = fresh(method)
    for entry in history:
        assert np.array_equal(second.ask().points, entry.points)
        second.tell(entry)
    assert np.array_equal(first.ask().points, second.ask().points)
    assert first.stop() == second.stop()
    states = first.state(), second.state()
    assert states[0].keys() == states[1].keys()
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])


def with_errors(optimiser: Optimiser, generations: int, error: float) -> list[Told]:
    """Tell standard errors, those of the second target only of some."""
    history = []
    for serial in range(generations):
        asked = optimiser.ask()
        errors = np.full((len(asked.points), 2), error)
        errors[::2, 1] = np.nan
        history.append(told(asked, errors=errors, ids=[(serial, n) for n in range(len(errors))]))
        optimiser.tell(history[-1])
    return history


@pytest.mark.parametrize("generations", [2, 5])
def test_standard_errors_may_be_told_and_a_replay_with_them_is_the_same(method: str, generations: int) -> None:
    first, second = fresh(method), fresh(method)
    for entry in with_errors(first, generations, 0.3):
        assert np.array_equal(second.ask().points, entry.points)
        second.tell(entry)
    assert np.array_equal(first.ask().points, second.ask().points)


def test_errors_that_say_nothing_change_nothing(method: str) -> None:
    """Not a bit, so that a run of an earlier version goes on as it would have."""
    first, second = fresh(method), fresh(method)
    for entry in with_errors(first, 3, np.nan):
        assert np.array_equal(second.ask().points, entry.points)
        second.tell(replace(entry, errors=None))
    assert np.array_equal(first.ask().points, second.ask().points)


def test_standard_errors_are_a_row_for_each_point(method: str) -> None:
    optimiser = fresh(method)
    asked = optimiser.ask()
    with pytest.raises(ValueError, match=r"tell\(\) takes one row of standard errors"):
        optimiser.tell(told(asked, errors=np.ones((len(asked.points) - 1, 2))))


def test_bounds_that_other_parameters_decide_are_kept_and_replayed(method: str) -> None:
    first, second = (fresh(method, space=MOVING) for _ in range(2))
    history = run(first, 3)
    for entry in history:
        assert np.array_equal(second.ask().points, entry.points)
        second.tell(entry)
        for a, b, c, n in (MOVING.decode(point).values() for point in entry.points):
            assert a <= b <= 2 * a + 1
            assert b + 0.1 <= c <= 20
            assert 1 <= n <= np.floor(c + 2.5)
    assert np.array_equal(first.ask().points, second.ask().points)


def test_the_global_generator_is_left_alone(method: str) -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    run(fresh(method), 2)
    assert np.random.random() == expected


def test_the_state_is_named_arrays_of_a_constant_shape(method: str) -> None:
    optimiser = fresh(method)
    shapes = []
    for _ in range(3):
        state = optimiser.state()
        assert all(isinstance(name, str) for name in state)
        shapes.append({name: np.asarray(value, dtype=float).shape for name, value in state.items()})
        run(optimiser, 1)
    assert shapes[0] == shapes[1] == shapes[2]


def test_a_generation_in_which_everything_explodes_ends_nothing(method: str) -> None:
    optimiser = fresh(method)
    for _ in range(5):
        asked = optimiser.ask()
        rows = (len(asked.points), 2)
        exploded = [Outcome.EXPLODED] * rows[0]
        optimiser.tell(told(asked, values=np.full(rows, np.nan), scores=np.full(rows, 20.0), outcomes=exploded))
    assert optimiser.stop() is None


def without(entry: Told, lost: Sequence[int]) -> Told:
    """Return what is told if the cluster lost these rows."""
    scores, outcomes = entry.scores.copy(), list(entry.outcomes)
    for row in lost:
        scores[row], outcomes[row] = np.nan, Outcome.CANCELLED
    return replace(entry, values=np.where(np.isnan(scores), np.nan, entry.values), scores=scores, outcomes=outcomes)


@pytest.mark.parametrize(
    ("lost", "generations"),
    [(SIZE - 1, 1), (1, 4), (SIZE // 2, 4), (SIZE - 1, 4), (SIZE, 4)],
)
def test_what_was_not_evaluated_is_neither_good_nor_bad(method: str, lost: int, generations: int) -> None:
    """It was told at the worst score; whatever is left, the method goes on, and a replay is the same bit for bit."""
    first = fresh(method)
    run(first, 2)
    history = []
    for _ in range(generations):
        entry = told(first.ask())
        history.append(without(entry, range(min(lost, len(entry.points)))))
        first.tell(history[-1])
    second = fresh(method)
    run(second, 2)
    for entry in history:
        assert np.array_equal(second.ask().points, entry.points)
        second.tell(entry)
    assert np.array_equal(first.ask().points, second.ask().points)
    assert first.stop() is None


def test_a_start_that_was_not_evaluated_is_not_asked_for_again(method: str) -> None:
    optimiser = fresh(method)
    optimiser.tell(without(told(optimiser.ask()), [0]))
    assert Origin.START not in optimiser.ask().origins


@pytest.mark.parametrize("method", IN_ORDER)
def test_asking_again_gives_the_same_points_until_they_are_told(method: str) -> None:
    optimiser = fresh(method)
    for _ in range(3):
        asked = optimiser.ask()
        again = optimiser.ask()
        assert np.array_equal(asked.points, again.points)
        assert asked.origins == again.origins
        asked.points[:] = -1  # the caller's own
        assert np.array_equal(optimiser.ask().points, again.points)
        optimiser.tell(told(again))


@pytest.mark.parametrize("wrong", ["others", "fewer", "twice", "unasked"])
@pytest.mark.parametrize("method", IN_ORDER)
def test_exactly_the_points_that_were_asked_are_told_once(method: str, wrong: str) -> None:
    optimiser = fresh(method)
    entry = told(Asked.samples(np.full((SIZE, 4), 0.5))) if wrong == "unasked" else told(optimiser.ask())
    if wrong == "others":
        entry = told(Asked(entry.points * 0.9, tuple(entry.origins)))
    elif wrong == "fewer":
        entry = told(Asked(entry.points[:-1], tuple(entry.origins[:-1])))
    elif wrong == "twice":
        optimiser.tell(entry)
    with pytest.raises(ValueError, match="tell"):
        optimiser.tell(entry)


def rows(asks: Sequence[Asked], order: Sequence[tuple[int, int]]) -> Told:
    """Return what is told of some rows of several asks."""
    points = np.array([asks[number].points[index] for number, index in order])
    return told(Asked(points, tuple(asks[number].origins[index] for number, index in order)), ids=order)


@pytest.mark.parametrize("method", ANY_ROWS)
def test_rows_of_several_asks_are_told_together_in_any_order_and_some_never(method: str) -> None:
    """What a replay is asked and told in the same order is asked for bit for bit again."""
    optimisers = fresh(method), fresh(method)
    blocks = [[(0, 0), (1, 3), (0, 5), (0, 1)], [(1, 0), (0, 2), (2, 7)], [(2, n) for n in range(7)], [(1, 5), (1, 1)]]
    found = []
    for optimiser in optimisers:
        asks = [optimiser.ask(), optimiser.ask()]
        for block in blocks:
            asks.append(optimiser.ask())
            optimiser.tell(rows(asks, block))
        optimiser.tell(rows(asks, [(3, 1), (3, 2), (4, 0), (4, 1)]))  # two tells after one ask
        optimiser.tell(rows(asks, [(4, 2), (3, 3), (4, 4), (4, 3)]))
        found.append([*asks, optimiser.ask()])
    assert all(np.array_equal(*(each.points for each in pair)) for pair in zip(*found, strict=True))
    assert sum(origin is Origin.START for asked in found[0] for origin in asked.origins) == 1


@pytest.mark.parametrize("wrong", ["others", "twice", "unasked"])
@pytest.mark.parametrize("method", ANY_ROWS)
def test_only_what_was_asked_is_told_and_once(method: str, wrong: str) -> None:
    optimiser = fresh(method)
    asks = [optimiser.ask(), optimiser.ask()]
    entry = rows(asks, [(1, 2), (0, 3)])
    if wrong == "others":
        entry.points[1] *= 0.9
    elif wrong == "twice":
        optimiser.tell(entry)
    else:
        entry = told(Asked.samples(np.full((SIZE, 4), 0.5)))
    with pytest.raises(ValueError, match="tell"):
        optimiser.tell(entry)


@pytest.mark.parametrize("wrong", ["nan for one target", "infinite", "too few"])
def test_scores_are_finite_and_one_row_for_each_point(method: str, wrong: str) -> None:
    optimiser = fresh(method)
    asked = optimiser.ask()
    scores = np.ones((len(asked.points), 2))
    scores = scores[:-1] if wrong == "too few" else scores * ([np.nan, 1] if wrong != "infinite" else np.inf)
    with pytest.raises(ValueError, match="tell"):
        optimiser.tell(told(asked, scores=scores))


class Wrong:
    """Asks for whatever it is given."""

    def __init__(self, asked: Asked):
        self._asked = asked

    def ask(self) -> Asked:
        return self._asked

    def tell(self, told: Told) -> None:
        pass

    def stop(self) -> str | None:
        return None

    def state(self) -> dict[str, FloatArray | float]:
        return {}


@pytest.mark.parametrize(
    "asked",
    [
        Asked.samples(np.array([[0.5, 1.1]])),
        Asked.samples(np.array([[0.5, np.nan]])),
        Asked.samples(np.array([0.5, 0.5])),
        Asked.samples(np.zeros((0, 2))),
        Asked.samples(np.zeros((3, 3))),
        Asked(np.zeros((3, 2)), (Origin.SAMPLE,)),
    ],
    ids=["outside", "no number", "one point", "none", "other parameters", "too few origins"],
)
def test_an_optimiser_that_asks_for_no_points_of_the_cube_is_told_so(asked: Asked) -> None:
    with pytest.raises(ValueError, match="ask"):
        Guarded(Wrong(asked), np.array([0.5, 0.5])).ask()
