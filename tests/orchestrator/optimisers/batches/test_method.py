"""Methods that propose batches from the outputs of targets: composite, gauss_newton and hybrid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

from orchestrator.optimisers import Asked, Optimiser, Problem, Told, Vector, create_optimiser
from orchestrator.optimisers.base import Scale
from orchestrator.optimisers.models.archive import archive_of
from orchestrator.optimisers.registry import optimisers
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray, Origin, Outcome

pytestmark = pytest.mark.methods

METHODS = ("composite", "gauss_newton", "hybrid")
# of whole optimisations: each part alone is for longer suites, hybrid is made of both
WHOLE = ("hybrid", "composite", "gauss_newton")
CAP = 20.0
TIMES = np.linspace(0.1, 4, 20)
SOLUTION = np.array([0.3, 0.65])


@dataclass(frozen=True)
class Rmse:
    data: FloatArray

    def values(self, outputs: FloatArray) -> FloatArray:
        return np.asarray(np.linalg.norm(self.residuals(outputs), axis=1))

    def residuals(self, outputs: FloatArray) -> FloatArray:
        return np.asarray((outputs - self.data) / np.sqrt(len(self.data)))


@dataclass(frozen=True)
class Correlation:
    """1 - r, which is no norm of differences."""

    data: FloatArray

    def values(self, outputs: FloatArray) -> FloatArray:
        deviations, wanted = outputs - outputs.mean(axis=1, keepdims=True), self.data - self.data.mean()
        norms = np.linalg.norm(deviations, axis=1) * np.linalg.norm(wanted)
        return np.asarray(1 - deviations @ wanted / norms)

    def residuals(self, outputs: FloatArray) -> None:
        return None


def decay(points: FloatArray) -> FloatArray:
    """Return traces of a linear cell, of which the first parameter is the rate and the second the input."""
    rate, drive = 0.1 + 3 * points[:, :1], 10 * points[:, 1:2]
    return np.asarray(drive / rate * -np.expm1(-rate * TIMES))


DATA = decay(SOLUTION[None])[0]


def problem(size: int = 8, seed: int = 1, **changes: object) -> Problem:
    scales = [Scale(0.0, 0.0, 1.0, CAP)]
    given = {"start": np.array([0.5, 0.5]), "steps": np.zeros(2), "vectors": {0: Rmse(DATA)}, "scales": scales}
    return Problem(**{**given, "sigma": 0.2, "size": size, "seed": seed, "targets": ["trace"], **changes})  # type: ignore[arg-type]


def create(method: str, given: Problem) -> Optimiser:
    return create_optimiser(optimisers().find(method).options(method=method), given)


def told(asked: Asked, vector: Vector | None = None, serial: int = 0) -> Told:
    outputs = decay(asked.points)
    values = (vector or Rmse(DATA)).values(outputs)[:, None]
    ids = [(serial, n) for n in range(len(values))]
    outcomes = [Outcome.OK] * len(values)
    scores = np.minimum(values, CAP)
    return Told(asked.points, values, scores, outcomes, asked.origins, ids, outputs={0: outputs})


def valley(entry: Told, serial: int, floor: float = 0.0) -> Told:
    """Return the same points with a total that is least at the first corner, and no outputs."""
    values = floor + 5.0 + (entry.points**2).sum(axis=1, keepdims=True)
    ids = [(serial, n) for n in range(len(values))]
    return replace(entry, values=values, scores=values, ids=ids, outputs={})


def run(optimiser: Optimiser, asks: int, vector: Vector | None = None) -> list[Told]:
    history = []
    for serial in range(asks):
        history.append(told(optimiser.ask(), vector, serial))
        optimiser.tell(history[-1])
    return history


def least(history: list[Told]) -> float:
    return float(min(np.nanmin(entry.scores) for entry in history))


@pytest.mark.parametrize(("method", "size"), [("gauss_newton", 1), ("hybrid", 2), ("hybrid", 3), ("gauss_newton", 16)])
def test_a_trace_that_can_be_fitted_is_fitted_in_few_evaluations_whatever_the_batch(method: str, size: int) -> None:
    assert least(run(create(method, problem(size)), max(48 // size, 6))) < 1e-3


def test_expected_improvement_alone_fits_a_trace() -> None:
    assert least(run(create("composite", problem()), 8)) < 1e-3


@pytest.mark.parametrize("method", WHOLE)
def test_a_value_that_is_no_norm_of_differences_is_learnt_through_its_outputs(method: str) -> None:
    vector = Correlation(DATA)
    scales = [Scale(0.0, 0.0, 0.01, CAP)]
    history = run(create(method, problem(vectors={0: vector}, scales=scales)), 8, vector)
    assert least(history) < 1e-4  # of a correlation


@pytest.mark.parametrize("method", METHODS)
def test_the_first_batch_is_drawn_around_the_start_and_all_later_ones_are_proposed(method: str) -> None:
    history = run(create(method, problem(sigma=0.05)), 3)
    assert history[0].origins == (Origin.START, *[Origin.SAMPLE] * 7)
    assert np.abs(history[0].points - 0.5).max() <= 0.05 * np.sqrt(3)
    assert all(origin is Origin.MODEL for entry in history[1:] for origin in entry.origins)


def test_a_design_goes_on_over_small_batches_until_models_can_be_fitted() -> None:
    entries = run(create("hybrid", problem(2)), 4)
    origins = [origin for entry in entries for origin in entry.origins]
    assert origins == [Origin.START, *[Origin.SAMPLE] * 3, *[Origin.MODEL] * 4]


@pytest.mark.parametrize("method", WHOLE)
def test_proposals_are_taken_from_the_record_and_samples_are_drawn_again(method: str) -> None:
    """Another processor decides otherwise: what was evaluated counts, and no model is fitted for it."""
    first = create(method, problem())
    history = run(first, 4)
    moved = [replace(entry, points=np.clip(entry.points + 1e-3, 0, 1)) for entry in history[1:]]
    second = create(method, problem())
    again = second.ask(Asked(history[0].points + 1e-3, tuple(history[0].origins)))
    assert np.array_equal(again.points, history[0].points)
    second.tell(history[0])
    for entry in moved:
        asked = Asked(entry.points, tuple(entry.origins))
        assert np.array_equal(second.ask(asked).points, entry.points)
        second.tell(told(asked))
    assert np.abs(second.ask().points - first.ask().points).max() > 0


@pytest.mark.parametrize("method", WHOLE)
def test_a_batch_of_which_only_the_beginning_was_evaluated_is_replayed(method: str) -> None:
    def begun() -> tuple[Optimiser, Asked]:
        optimiser = create(method, problem())
        run(optimiser, 2)
        return optimiser, optimiser.ask()

    optimiser, whole = begun()
    part = Asked(whole.points[:3], whole.origins[:3])
    optimiser.tell(told(part, serial=2))
    other = create(method, problem())
    for serial in range(2):
        entry = told(other.ask(), serial=serial)
        other.tell(entry)
    assert np.array_equal(other.ask(part).points, part.points)
    other.tell(told(part, serial=2))
    assert np.array_equal(optimiser.ask().points, other.ask().points)
    assert optimiser.state() == other.state()


def begins_anew(entry: Told) -> bool:
    return all(origin is Origin.SAMPLE for origin in entry.origins)


@pytest.mark.parametrize("method", WHOLE)
def test_a_search_with_nothing_more_to_gain_begins_anew_with_other_points(method: str) -> None:
    history = run(create(method, problem()), 30)
    anew = [n for n, entry in enumerate(history) if begins_anew(entry)]
    assert anew
    first, again = history[0].points[1:], history[anew[0]].points
    assert np.abs(first[:, None] - again[None]).max(axis=2).min() > 1e-6
    # all of the new design are around the start, not around the solution, as the first were
    assert np.abs(again - 0.5).max() <= 0.2 * np.sqrt(3)
    assert np.ptp(again, axis=0).min() > 0.4
    assert least(history[: anew[0]]) < 1e-3


@pytest.mark.parametrize("method", WHOLE)
def test_a_search_that_begins_anew_is_replayed_and_goes_on_as_it_would_have(method: str) -> None:
    first, second = create(method, problem()), create(method, problem())
    history = run(first, 30)
    assert any(begins_anew(entry) for entry in history)
    for entry in history:
        assert np.array_equal(second.ask(Asked(entry.points, tuple(entry.origins))).points, entry.points)
        second.tell(entry)
    assert np.array_equal(first.ask().points, second.ask().points)
    assert first.state() == second.state()


def two_valleys(points: FloatArray) -> FloatArray:
    """Return totals of at least 1 in the wide valley and 0.2 in the narrow one."""
    wide = 1.0 + 40 * np.abs(points - [0.3, 0.3]).max(axis=1)
    narrow = 0.2 + 60 * np.abs(points - [0.72, 0.7]).max(axis=1)
    return np.asarray(np.minimum(wide, narrow))


def totals_of(method: str, asks: int, **options: object) -> list[tuple[Origin, FloatArray, float]]:
    """Search in the two valleys from the wide one, and return origin, point and total of all evaluations."""
    given = problem(vectors={}, start=np.array([0.3, 0.35]), scales=[Scale(0.0, 0.0, 1.0, 100.0)], sigma=0.25)
    optimiser, found = create_optimiser(optimisers().find(method).options(method=method, **options), given), []
    for serial in range(asks):
        asked = optimiser.ask()
        totals = two_valleys(asked.points)
        entry = replace(told(asked, serial=serial), values=totals[:, None], scores=totals[:, None], outputs={})
        optimiser.tell(entry)
        found += list(zip(asked.origins, asked.points, totals, strict=True))
    return found


@pytest.mark.parametrize("method", WHOLE)
def test_a_better_valley_is_found_by_a_later_search(method: str) -> None:
    assert min(total for _, _, total in totals_of(method, 40, restarts=False)) > 0.99
    assert min(total for _, _, total in totals_of(method, 40)) < 0.75


@pytest.mark.parametrize("method", WHOLE)
def test_a_search_elsewhere_does_not_end_where_an_earlier_one_has_and_the_next_goes_back_to_the_best(
    method: str,
) -> None:
    found = totals_of(method, 60)
    designs = [n for n in range(8, len(found), 8) if found[n][0] is Origin.SAMPLE]
    assert len(designs) > 1
    first = min(found[: designs[0]], key=lambda each: each[2])[1]
    # the next search, until it is exhausted, which takes at least five batches
    second = [point for origin, point, _ in found[designs[0] + 8 : designs[0] + 40] if origin is Origin.MODEL]
    near = [np.abs(point - first).max() <= 0.125 for point in second]
    assert np.mean(near) < 0.2
    best = min(found[: designs[1]], key=lambda each: each[2])[1]
    before = [point for _, point, _ in found[designs[1] - 8 : designs[1]]]
    assert min(np.abs(point - best).max() for point in before) < 0.05


@pytest.mark.parametrize("method", WHOLE)
def test_without_restarts_and_when_polishing_it_stays_with_its_best(method: str) -> None:
    """So does a search of an earlier version; the box is as wide as at first again when nothing more is gained."""
    fixed = create_optimiser(optimisers().find(method).options(method=method, restarts=False), problem())
    kind = optimisers().find(method)
    polishing = kind.create(kind.options(method=method), problem())
    polishing.tell(told(create(method, problem()).ask()))
    for optimiser in (fixed, polishing):
        radii, origins = [], set()
        for serial in range(1, 30):
            asked = optimiser.ask()
            origins |= set(asked.origins) if serial > 2 else set()
            optimiser.tell(told(asked, serial=serial))
            radii.append(optimiser.state()["radius"])
        assert origins == {Origin.MODEL}
        assert 0.4 in radii[radii.index(min(radii)) :]


def test_while_nothing_of_a_new_design_is_known_further_points_are_from_where_it_is() -> None:
    optimiser = create("hybrid", problem(sigma=0.1))
    for serial in range(40):
        asked = optimiser.ask()
        if serial and all(origin is Origin.SAMPLE for origin in asked.origins):
            break
        optimiser.tell(told(asked, serial=serial))
    else:
        pytest.fail("it did not begin anew")
    in_flight = np.vstack([asked.points, *(optimiser.ask(pending=asked.points).points for _ in range(3))])
    assert np.abs(in_flight - 0.5).max() <= 0.1 * np.sqrt(3) + 1e-9


def test_of_evaluations_at_the_same_place_the_own_best_is_learnt() -> None:
    """A few whole numbers are evaluated often, by earlier searches as well."""
    points = np.full((50, 2), 0.5)
    entry = told(Asked(points, (Origin.MODEL,) * 50))
    own = [np.arange(50) == 49]
    nearest = archive_of(problem(), [entry], own).nearest(20)
    assert nearest.candidates.any()


def test_what_comes_back_late_of_an_earlier_search_is_learnt_but_does_not_draw_the_new_one_back() -> None:
    """A rolling schedule has evaluations in flight when the search begins anew; one of them is the best of all."""
    optimiser, serial = create("hybrid", problem(vectors={}, sigma=0.1)), 0
    late = told(optimiser.ask())
    optimiser.tell(valley(late, serial))
    while True:
        serial += 1
        late, asked = told(optimiser.ask()), told(optimiser.ask())
        optimiser.tell(valley(asked, serial))
        if optimiser.state()["radius"] == 0.2 and serial > 4:
            break
    design = valley(told(optimiser.ask()), serial + 1, floor=1.0)
    assert begins_anew(design)
    best = design.points[int(design.totals.argmin())]
    optimiser.tell(design)
    lower = valley(late, serial + 2)
    assert lower.totals.min() < design.totals.min()
    optimiser.tell(lower)
    steps = optimiser.ask()
    assert set(steps.origins) == {Origin.MODEL}
    assert np.abs(steps.points - best).max() <= 2 * 0.2 + 1e-9
    assert optimiser.state()["radius"] == 0.2


@pytest.mark.parametrize("method", METHODS)
def test_the_order_in_which_results_come_back_does_not_matter_to_what_is_proposed(method: str) -> None:
    asks = []
    for order in ([0, 1, 2, 3, 4, 5, 6, 7], [5, 0, 7, 2, 1, 6, 4, 3]):
        optimiser = create(method, problem())
        entry = told(optimiser.ask())
        outputs = {0: entry.outputs[0][order]}
        ids = [entry.ids[n] for n in order]
        optimiser.tell(
            Told(
                entry.points[order],
                entry.values[order],
                entry.scores[order],
                entry.outcomes,
                [entry.origins[n] for n in order],
                ids,
                outputs=outputs,
            )
        )
        asks.append(optimiser.ask().points)
    assert np.array_equal(*asks)


@pytest.mark.parametrize("method", METHODS)
def test_points_that_are_being_evaluated_are_not_proposed_again(method: str) -> None:
    optimiser = create(method, problem())
    optimiser.tell(told(optimiser.ask()))
    pending = optimiser.ask().points
    again = optimiser.ask(pending=pending).points
    distances = np.abs(again[:, None] - pending[None]).max(axis=2)
    assert distances.min() > 1e-4
    among = np.abs(again[:, None] - again[None]).max(axis=2)[np.triu_indices(len(again), 1)]
    assert among.min() > 1e-6


@pytest.mark.parametrize("method", WHOLE)
def test_where_simulations_explode_is_learnt(method: str) -> None:
    """The best trace is beyond the edge: the search stays below it, and goes near it."""
    optimiser, exploded = create(method, problem()), []
    best = np.inf
    for serial in range(7):
        entry = told(optimiser.ask(), serial=serial)
        broken = entry.points[:, 1] > 0.6
        outcomes = [Outcome.EXPLODED if each else Outcome.OK for each in broken]
        values = np.where(broken[:, None], np.nan, entry.values)
        outputs = np.where(broken[:, None], np.nan, entry.outputs[0])
        scores = np.where(broken[:, None], 1.05 * CAP, entry.scores)
        optimiser.tell(replace(entry, values=values, scores=scores, outcomes=outcomes, outputs={0: outputs}))
        exploded.append(broken.mean())
        best = min(best, scores.min())
    assert np.mean(exploded[2:]) < 0.8
    rates = np.linspace(0, 1, 1001)
    at_the_edge = Rmse(DATA).values(decay(np.column_stack([rates, np.full(1001, 0.6)]))).min()
    assert best < 1.3 * at_the_edge


@pytest.mark.parametrize("method", WHOLE)
def test_targets_without_outputs_are_learnt_by_their_values(method: str) -> None:
    """Two numbers of a function: a residual each."""

    def answer(asked: Asked) -> Told:
        values = np.column_stack([5 * asked.points[:, 0] - 2, np.exp(3 * asked.points[:, 1])])
        scores = np.minimum(np.abs(values - [0, 5]) / [0.1, 0.5], CAP)
        return Told(asked.points, values, scores, [Outcome.OK] * len(values), asked.origins)

    scales = [Scale(0.0, 0.0, 0.1, CAP), Scale(5.0, 5.0, 0.5, CAP)]
    optimiser, best = create(method, problem(scales=scales, vectors={}, targets=["a", "b"])), np.inf
    for _ in range(8):
        entry = answer(optimiser.ask())
        best = min(best, entry.scores.sum(axis=1).min())
        optimiser.tell(entry)
    assert best < 0.05


@pytest.mark.parametrize("method", WHOLE)
def test_a_target_without_a_value_in_some_evaluations_is_learnt_from_the_others(method: str) -> None:
    """A second target is not known in a part of the cube; the trace is fitted where it is."""
    scales = [Scale(0.0, 0.0, 1.0, CAP)] * 2
    optimiser = create(method, problem(scales=scales, targets=["trace", "rare"]))
    best = np.inf
    for serial in range(8):
        entry = told(optimiser.ask(), serial=serial)
        rare = np.where(entry.points[:, :1] > 0.55, np.nan, 0.0)
        scores = np.hstack([entry.scores, np.where(np.isnan(rare), 1.05 * CAP, 0.0)])
        optimiser.tell(replace(entry, values=np.hstack([entry.values, rare]), scores=scores))
        best = min(best, scores.sum(axis=1).min())
    assert best < 0.05


@pytest.mark.parametrize("method", WHOLE)
def test_whole_numbers_are_proposed_as_they_are_simulated_and_not_evaluated_without_end(method: str) -> None:
    space = SearchSpace([Parameter("n", 1, 12, integer=True), Parameter("x", 0, 1)])
    given = problem(space=space, steps=space.steps, start=np.array([0.9, 0.2]))
    optimiser, history = create(method, given), []
    for serial in range(6):
        asked = optimiser.ask()
        simulated = Asked(given.snapped(asked.points), asked.origins)
        entry = told(simulated, serial=serial)
        history.append(entry)
        optimiser.tell(replace(entry, points=asked.points))
    points = np.vstack([entry.points for entry in history])
    nearest = given.snapped(SOLUTION[None])[0, 0]
    assert abs(points[np.argmin(np.concatenate([entry.scores[:, 0] for entry in history])), 0] - nearest) < 0.2
    assert len(np.unique(points.round(9), axis=0)) > 0.8 * len(points)


def test_nothing_is_proposed_and_nothing_warned_of_while_no_target_is_known(caplog: pytest.LogCaptureFixture) -> None:
    optimiser = create("hybrid", problem())
    for _ in range(3):
        asked = optimiser.ask()
        nothing: Mapping[int, FloatArray] = {0: np.full((len(asked.points), len(TIMES)), np.nan)}
        unknown = np.full((len(asked.points), 1), np.nan)
        scores = np.full(unknown.shape, 1.05 * CAP)
        optimiser.tell(Told(asked.points, unknown, scores, [Outcome.OK] * 8, asked.origins, outputs=nothing))
    assert all(origin is Origin.SAMPLE for origin in optimiser.ask().origins)
    assert not caplog.records
