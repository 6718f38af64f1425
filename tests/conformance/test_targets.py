"""What every target must do: those of the program, one of a user's file, and those of the tests.

The author of a target checks it in the same way, with recordings that it has a value of, and some that it has none of::

    from targets.testing import check_target

    def test_mine():
        (target,) = create_targets([{"class": "mine.py:Mine", "sheet_name": "Exc", "target_value": 1, "norm": 2}])
        check_target(target, good=[Datastore("results/one")], bad=[Datastore("results/exploded")])
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stores import DISK, GRATING, SPONTANEOUS, Store, poisson_trains

import targets
from targets import Datastore, Events, IntervalTarget, PointTarget, Target, Trace, create_targets, known_targets
from targets.needs import SPIKES, Needs, Presented, Recorded
from targets.testing import BrokenTarget, check_target

SHEET = "Exc"
GOOD = {"x": 5.0}
"""What a function returned, of which the targets of returned values have a value."""
TIMES = np.arange(0.0, 20.0, 0.05)
SPIKING = Trace(TIMES, -70 + 100 * np.exp(-((TIMES - 8) ** 2)), "mV")
DATA = {"v": SPIKING}
"""What targets on traces compare with."""


def options_of(cls: type[Target]) -> dict[str, Any]:
    """Return options with which a target of the program can be made; the sheet is the one of `recordings_for`."""
    required: dict[str, Any] = {"key": "x", "sheet_name": SHEET, "data": "v", "window": [0, 20], "bands": [[10, 100]]}
    required |= {"feature": "spike_count", "stimulus": [5, 15]}
    options = {"target_value": cls.any_target_value, "norm": 0.5}
    needed = [name for name, each in cls.model_fields.items() if name in required and each.is_required()]
    return options | {name: required[name] for name in needed}


def _takes_libraries(name: str) -> bool:
    """Whether a target imports eFEL or scipy.signal."""
    return name.startswith(("ElectrophysiologyFeature", "BandPower"))


NAMES = [
    pytest.param(name, marks=[pytest.mark.reference] if _takes_libraries(name) else [])
    for name in sorted(known_targets())
]


@dataclass(frozen=True)
class Recordings:
    """Recordings of each sort."""

    full: Datastore
    empty: Datastore
    returned: dict[str, float] = field(default_factory=lambda: dict(GOOD))
    series: targets.Recordings = field(
        default_factory=lambda: targets.Recordings(traces={"v": SPIKING}, events={"spikes": Events([2, 5, 11])})
    )

    @property
    def good(self) -> list[object]:
        """Of which every target of the program has a value of one."""
        return [self.full, self.returned, self.series]

    @property
    def bad(self) -> list[object]:
        """Of which none of them has a value."""
        return [self.empty, None, {}, {"x": None}, {"x": "much"}, 3.0, targets.Recordings()]


def recordings_for(directory: Path) -> Recordings:
    """Write a datastore with everything that a target of the program needs, and one with nothing but its sheet."""
    rng = np.random.default_rng(5)
    ids = range(10, 30)
    preferred = np.r_[np.full(12, np.pi / 2), np.zeros(8)]

    def sheet(name: str) -> Store:
        return Store(directory / name).sheet(SHEET, ids, rng.uniform(-0.5, 0.5, (3, len(ids))), preferred)

    store = sheet("full")
    signals = {"gsyn_exc": rng.uniform(0, 0.02, (200, 4)), "gsyn_inh": rng.uniform(0, 0.05, (200, 4))}
    store.segment(SHEET, SPONTANEOUS, poisson_trains(ids, 20, 1000, rng), signals=signals)
    for contrast in (100, 10):
        for orientation, rate in ((0.0, 10), (np.pi / 2, 30)):
            stimulus = GRATING | {"contrast": contrast, "orientation": orientation}
            store.segment(SHEET, stimulus, poisson_trains(ids, rate, 1000, rng))
    store.segment(SHEET, DISK, poisson_trains(ids, 50, 1000, rng))
    return Recordings(Datastore(store.write()), Datastore(sheet("empty").write()))


OWN = '''
from targets import AtMostTarget, Datastore, NoValue, Needs, Recorded, Presented


class SilentShare(AtMostTarget):
    """A target as a user writes one."""

    unit = "%"
    threshold: float = 0.1

    @property
    def needs(self):
        return Needs(recorded=(Recorded(("spikes",)),), presented=(Presented("InternalStimulus"),))

    def outputs(self, recordings: Datastore) -> float:
        if not isinstance(recordings, Datastore):
            raise NoValue("no datastore")
        spontaneous = recordings.spontaneous(self.sheet_name)
        if not spontaneous:
            raise NoValue("no spontaneous activity recorded")
        return 100 * (spontaneous[0].spikes().rates() < self.threshold).mean()
'''


class Outside(Target):
    """A kind of its own, whose wanted values are no interval: all but those near ``forbidden``."""

    forbidden: float = 0.0

    def outputs(self, recordings: Any) -> float:
        return GOOD["x"] if recordings is GOOD else float("nan")

    def distance(self, value: float) -> float:
        return max(1.0 - abs(value - self.forbidden), 0.0)


class Widening(IntervalTarget):
    """A kind of its own with an interval: within ``allowed`` of 5."""

    allowed: float = 2.0

    @property
    def wanted_interval(self) -> tuple[float, float]:
        return 5 - self.allowed, 5 + self.allowed

    def outputs(self, recordings: Any) -> float:
        return float(recordings["x"])


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return recordings_for(tmp_path_factory.mktemp("stores"))


@pytest.mark.parametrize("name", NAMES)
def test_a_target_of_the_program(name: str, stores: Recordings) -> None:
    (target,) = create_targets([{"class": name, **options_of(known_targets()[name])}], data=DATA)
    check_target(target, stores.good, stores.bad)


@pytest.mark.parametrize("name", NAMES)
def test_a_target_of_the_program_needs_something_of_a_datastore_and_only_then(name: str, stores: Recordings) -> None:
    """What it needs is what the recordings have that give it a value; a number that was returned is no recording."""
    cls = known_targets()[name]
    (target,) = create_targets([{"class": name, **options_of(cls)}], data=DATA)
    assert bool(target.needs.recorded) == bool(target.needs.presented) == ("sheet_name" in options_of(cls))
    datastore = stores.full
    for stimulus in target.needs.presented:
        found = datastore.presentations(SHEET, stimulus.name, **stimulus.parameters)
        assert found, stimulus
        for variable in target.needs.recorded:
            names = {"spikes", *(signal.name for segment in found for signal in segment.signals())}
            assert names & set(variable.variables), variable


def test_a_target_of_a_users_file(tmp_path: Path, stores: Recordings) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    spec = {"class": "mine.py:SilentShare", "sheet_name": SHEET, "target_value": 10, "norm": 5}
    (target,) = create_targets([spec], directory=tmp_path)
    check_target(target, [stores.full], [stores.empty, None, {}])


def test_a_kind_of_ones_own_whose_wanted_values_are_no_interval() -> None:
    target = Outside(norm=0.5, forbidden=1.0)
    check_target(target, [GOOD], [None])
    assert target.wanted_interval is None
    assert target.wanted_in_words == ""


def test_a_kind_of_ones_own_with_an_interval() -> None:
    target = Widening(norm=1, allowed=1)
    check_target(target, [GOOD], [None, {}])
    assert target.wanted_in_words == "4 to 6"


class Good(PointTarget):
    """What the wrong ones below break."""

    def outputs(self, recordings: Any) -> float:
        return float(recordings["x"])


class Impure(Good):
    def outputs(self, recordings: Any) -> float:
        recordings["x"] += 1
        return float(recordings["x"])


class NeverTheSame(Good):
    calls: list[int] = []  # noqa: RUF012  (a field)

    def outputs(self, recordings: Any) -> float:
        self.calls.append(1)
        return float(len(self.calls))


class Negative(Good):
    def score(self, value: float | None) -> float:
        return super().score(value) - (0 if value is None else 0.5)


class Uncapped(Good):
    def score(self, value: float | None) -> float:
        return self.max_score if value is None else self.distance(value)


class Missed(Good):
    def score(self, value: float | None) -> float:
        return 0.0 if value is None else super().score(value)


class Falling(Good):
    def score(self, value: float | None) -> float:
        return self.max_score if value is None else self.max_score / (1 + self.distance(value))


class Elsewhere(Good):
    def distance(self, value: float) -> float:
        return abs(value - self.target_value - 1)


class Needy(Good):
    @property
    def needs(self) -> Any:
        return [Recorded(("spikes",))]


class NeedsAnOptionItLacks(Good):
    @property
    def needs(self) -> Needs:
        return Needs((Recorded(("spikes",), "threshold"),))


class NeedsNothingByName(Good):
    @property
    def needs(self) -> Needs:
        return Needs((SPIKES,), (Presented(""),))


class Nameless(Good):
    @property
    def label(self) -> str:
        return ""


class WithoutValue(Good):
    def outputs(self, recordings: Any) -> float:
        return float("nan")


@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (Impure, "changed the recordings"),
        (NeverTheSame, "two values of the same recordings"),
        (Negative, "is negative or no finite number"),
        (Uncapped, "exceeds max_score"),
        (Missed, "no value must score max_score"),
        (Falling, "scores must not fall"),
        (Elsewhere, "is wanted"),
        (Needy, "needs must be Needs"),
        (NeedsAnOptionItLacks, "no option 'threshold'"),
        (NeedsNothingByName, "without a name"),
        (Nameless, "label"),
        (WithoutValue, "no value of recordings that have one"),
    ],
)
def test_a_target_that_breaks_a_rule_is_found(cls: type[Good], said: str) -> None:
    with pytest.raises(BrokenTarget, match=said):
        check_target(cls(target_value=3, norm=1), [dict(GOOD)], [None])


def test_the_one_that_the_wrong_ones_break_is_right() -> None:
    check_target(Good(target_value=3, norm=1), [dict(GOOD)], [None, {}])


def test_labels_are_unique_whatever_targets_a_configuration_lists() -> None:
    specs = [
        {"class": name, **options_of(cls)} for name, cls in known_targets().items() if "feature" not in cls.model_fields
    ]
    labels = [each.label for each in create_targets([*specs, *specs, *specs], data=DATA)]
    assert len(set(labels)) == len(labels)


def test_the_recordings_of_this_suite_are_datastores(stores: Recordings) -> None:
    assert isinstance(stores.full, Datastore)
    assert stores.full.sheets == stores.empty.sheets == [SHEET]
