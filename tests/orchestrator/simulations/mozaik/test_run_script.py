"""The run script against both generations of mozaik's interface, without mozaik.

The fakes do what mozaik 0.1.0 and the sources of 2024-26 do where the run script touches them: who calls whom with
what, and what is returned. The real 0.1.0 is tested in tests/mozaik.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from orchestrator.files import read_json_lines

SCRIPT = Path(__file__).resolve().parents[4] / "param_optim" / "run_optimization_experiment.py"
CHECK = {
    "enabled": True,
    "settle": 0.0,
    "duration": 100.0,
    "slices": 4,
    "threshold": 50.0,
    "slices_above": 1,
    "certain_threshold": 500.0,
    "sheet_name": None,
}


class ParameterSet(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


class Population:
    """Ten neurons that fire at `rate` Hz."""

    size = 10

    def __init__(self, rate: float) -> None:
        self.rate, self.time, self.recorder = rate, 0.0, None

    def get_spike_counts(self, gather: bool = True) -> dict[int, int]:
        assert not gather  # gathering is the script's own, so that all ranks know
        return {neuron: int(self.rate * self.time / 1000 + neuron / 10 + 1e-9) for neuron in range(self.size)}


class Model:
    """A model that notes what is simulated; `new` is its interface since 2020."""

    def __init__(self, new: bool, rates: dict[str, float], piece: float | None = None, monitor: Any = None) -> None:
        self.new, self.piece = new, piece
        self.parameters = ParameterSet(null_stimulus_period=150.0, explosion_monitoring=monitor)
        self.sheets = {
            name: SimpleNamespace(pop=Population(rate), to_record={"spikes": list(range(10))})
            for name, rate in rates.items()
        }
        self.sim = SimpleNamespace(get_time_step=lambda: 0.1)
        self.simulated: list[tuple[str, float]] = []
        self.explode_now = False

    def run(self, tstop: float) -> float:
        self.simulated.append(("stimulus", tstop))
        for sheet in self.sheets.values():
            sheet.pop.time += tstop
        return 0.001 * tstop

    def present_stimulus_and_record(self, stimulus: Any, _stimulators: Any) -> tuple[Any, ...]:
        null = self.parameters.null_stimulus_period
        if null != 0:
            self.simulated.append(("null", null))
        seconds = 0.0
        pieces = (
            [stimulus["duration"]] if self.piece is None else [self.piece] * round(stimulus["duration"] / self.piece)
        )
        for piece in pieces:
            seconds += self.run(piece)
        for sheet in self.sheets.values():
            sheet.pop.time = 0.0  # what was recorded is fetched and cleared
        segments = [f"segment of {name}" for name in self.sheets]
        if not self.new:
            return segments, None, seconds
        return segments, ["null segment"] if null else [], None, seconds, self.explode_now


class OldNoStimulation:
    """mozaik 0.1.0: NoStimulation(model, duration), run(data_store, stimuli)."""

    def __init__(self, model: Any, duration: float) -> None:
        self.model, self.stimuli = model, [{"duration": duration}]

    def run(self, data_store: Any, stimuli: Any) -> float:
        total = 0.0
        for stimulus in stimuli:
            segments, sensory, seconds = self.model.present_stimulus_and_record(stimulus, {})
            total += seconds
            data_store.add_recording(segments, stimulus)
            data_store.add_stimulus(sensory, stimulus)
        return total


class NewNoStimulation:
    """Since: NoStimulation(model, parameters), run(data_store, stimulus_indexes) -> (seconds, exploded)."""

    required_parameters = ParameterSet(duration=float)

    def __init__(self, model: Any, parameters: Any) -> None:
        assert isinstance(parameters, ParameterSet)
        assert set(parameters) == {"duration"}
        self.parameters, self.model = parameters, model
        self.stimuli = [{"duration": parameters.duration}]

    def run(self, data_store: Any, stimulus_indexes: Any) -> tuple[float, bool]:
        total, exploded = 0.0, False
        for index in stimulus_indexes:
            stimulus = self.stimuli[index]
            shown = self.model.present_stimulus_and_record(stimulus, OrderedDict())
            segments, null_segments, sensory, seconds, exploded = shown
            total += seconds
            data_store.add_recording(segments, stimulus)
            data_store.add_stimulus(sensory, stimulus)
            data_store.add_direct_stimulation(OrderedDict(), stimulus)
            if null_segments != []:
                data_store.add_null_recording(null_segments, stimulus)
            if exploded:
                return total, exploded
        return total, exploded


class Store:
    """Notes what is added and whether it was saved."""

    def __init__(self) -> None:
        self.added: list[tuple[str, Any]] = []
        self.saved = False

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("add_"):
            raise AttributeError(name)
        return lambda _data, stimulus: self.added.append((name, stimulus["duration"]))

    def save(self) -> None:
        self.saved = True


def run_workflow(new: bool, model: Model, create: Callable[[Any], Any], by_keyword: bool = False) -> Store:
    """What mozaik's run_workflow and run_experiments do with experiments."""
    definition, store = create(model), Store()
    if isinstance(definition, OrderedDict):
        experiments = []
        for cls, parameters in definition.values():
            assert isinstance(parameters, ParameterSet)
            experiments.append(cls(model, parameters))
    else:
        assert isinstance(definition, list)
        experiments = definition
    if new:
        for experiment in experiments:  # stored with the recordings and evaluated when they are saved
            assert ast.literal_eval(str(dict(experiment.parameters))) == experiment.parameters
    for experiment in experiments:
        stimuli = list(range(len(experiment.stimuli))) if new else experiment.stimuli
        result = (
            experiment.run(data_store=store, stimulus_indexes=stimuli) if by_keyword else experiment.run(store, stimuli)
        )
        assert isinstance(result, tuple) == new
    store.save()
    return store


def script_with(monkeypatch: pytest.MonkeyPatch, no_stimulation: type) -> Any:
    """The run script, loaded with fakes of what it imports."""
    mozaik, controller, experiments, parameters = map(
        ModuleType, ("mozaik", "mozaik.controller", "mozaik.experiments", "parameters")
    )
    mozaik.mpi_comm = None  # type: ignore[attr-defined]
    controller.run_workflow = None  # type: ignore[attr-defined]
    experiments.NoStimulation = no_stimulation  # type: ignore[attr-defined]
    parameters.ParameterSet = ParameterSet  # type: ignore[attr-defined]
    for module in (mozaik, controller, experiments, parameters):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    spec = importlib.util.spec_from_file_location("run_script_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


@pytest.fixture(params=["0.1.0 list", "new list", "new OrderedDict", "new list, keywords"])
def generation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    new, named, by_keyword = "new" in request.param, "Ordered" in request.param, "keywords" in request.param
    script = script_with(monkeypatch, NewNoStimulation if new else OldNoStimulation)

    def create(model: Any) -> Any:
        if named:
            return OrderedDict(Spontaneous=(NewNoStimulation, ParameterSet(duration=1000.0)))
        return [
            NewNoStimulation(model, ParameterSet(duration=1000.0)) if new else OldNoStimulation(model, duration=1000.0)
        ]

    def run(model: Model, progress: Any, **settings: Any) -> Store:
        checked = script.with_check(create, {**CHECK, **settings}, progress)
        return run_workflow(new, model, checked, by_keyword)

    return SimpleNamespace(script=script, new=new, run=run)


@pytest.fixture
def progress() -> Any:
    lines: list[dict[str, Any]] = []

    def announce(phase: str, **details: Any) -> None:
        lines.append({"phase": phase, **details})

    return SimpleNamespace(announce=announce, lines=lines)


def test_a_quiet_network_passes_and_only_its_protocol_is_kept(generation: Any, progress: Any) -> None:
    model = Model(generation.new, {"Exc": 20.0, "Inh": 40.0})
    store = generation.run(model, progress.announce)
    assert {duration for _, duration in store.added} == {1000.0}
    assert model.simulated == [*[("stimulus", 25.0)] * 4, ("null", 150.0), ("stimulus", 1000.0)]
    assert store.saved
    assert [line["phase"] for line in progress.lines] == [*["check"] * 5, "protocols", "saving"]
    assert progress.lines[3] == {"phase": "check", "slice": 3, "slices": 4, "rates": {"Exc": 20.0, "Inh": 40.0}}
    assert {key: progress.lines[5][key] for key in ("step", "steps")} == {"step": 1, "steps": 1}
    assert progress.lines[5]["name"].endswith("NoStimulation")


def test_an_exploding_network_ends_everything_in_its_slice(generation: Any, progress: Any) -> None:
    model = Model(generation.new, {"Exc": 20.0, "Inh": 40.0})
    run = model.run

    def explode_in_slice_3(tstop: float) -> float:
        model.sheets["Inh"].pop.rate = 40.0 if model.sheets["Inh"].pop.time < 50.0 else 100.0
        return run(tstop)

    model.run = explode_in_slice_3  # type: ignore[method-assign]
    with pytest.raises(generation.script.Exploded) as caught:
        generation.run(model, progress.announce)
    assert caught.value.report["sheet"] == "Inh"
    assert caught.value.report["slice"] == 3
    assert caught.value.report["threshold"] == 50.0
    assert caught.value.report["rate"] > 200
    assert len(model.simulated) == 3
    assert model.parameters.null_stimulus_period == 150.0


def firing(model: Model, *rates: float, piece: float = 25.0) -> None:
    """Let `Exc` fire at these rates, in Hz, one after the other for `piece` ms each, at the last one from then on."""
    run, population, begun = model.run, model.sheets["Exc"].pop, [0]

    def next_rate(tstop: float) -> float:
        spikes = population.rate * population.time
        population.rate = rates[min(round(begun[0] / piece), len(rates) - 1)]
        population.time = spikes / population.rate  # what was fired stays fired
        begun[0] += tstop
        return run(tstop)

    model.run = next_rate  # type: ignore[method-assign]


def test_the_transient_of_the_start_is_simulated_and_not_judged(generation: Any, progress: Any) -> None:
    """A real network fired at 372 Hz in its first 42 ms and at 5 to 45 Hz afterwards, and was called exploded."""
    model = Model(generation.new, {"Exc": 372.0, "Inh": 30.0})
    firing(model, 372.0, 45.0)
    store = generation.run(model, progress.announce, settle=25.0, duration=125.0)
    assert {duration for _, duration in store.added} == {1000.0}
    assert [duration for kind, duration in model.simulated if kind == "stimulus"] == [25.0] * 5 + [1000.0]
    checks = [line for line in progress.lines if line["phase"] == "check"]
    assert [line["slice"] for line in checks] == [0, 0, 1, 2, 3, 4]
    assert checks[1]["rates"]["Exc"] == pytest.approx(372.0, rel=0.05)
    assert checks[2]["rates"]["Exc"] == pytest.approx(45.0, rel=0.1)


@pytest.mark.parametrize(
    ("rates", "settings", "verdict"),
    [
        ((200.0, 200.0), {"slices_above": 2}, (2, 2, False)),
        ((20.0, 200.0, 20.0, 200.0, 200.0), {"slices_above": 2}, None),  # the fifth is the protocol's
        ((200.0, 20.0, 200.0, 200.0), {"slices_above": 2}, (4, 2, False)),
        ((200.0, 20.0), {"slices_above": 1}, (1, 1, False)),
        ((20.0, 600.0), {"slices_above": 2}, (2, 1, True)),
        ((600.0, 600.0), {"slices_above": 2, "settle": 25.0, "duration": 125.0}, (0, 0, True)),
        ((200.0, 20.0), {"slices_above": 3, "slices": 1, "duration": 25.0}, (1, 1, False)),  # there is no more
        ((600.0, 600.0), {"slices_above": 2, "threshold": 700.0}, None),
    ],
)
def test_an_explosion_is_what_lasts_or_what_no_transient_is_like(
    generation: Any, progress: Any, rates: tuple[float, ...], settings: dict[str, Any], verdict: Any
) -> None:
    """The verdict is slice, number of slices above in a row, and whether the rate alone decided."""
    model = Model(generation.new, {"Exc": rates[0], "Inh": 30.0})
    firing(model, *rates)
    if verdict is None:
        assert generation.run(model, progress.announce, **settings).saved
        return
    with pytest.raises(generation.script.Exploded) as caught:
        generation.run(model, progress.announce, **settings)
    report, (slice_number, _, certain) = caught.value.report, verdict
    assert (report["slice"], report["in_a_row"], report["certain"]) == verdict
    assert (report["sheet"], report["threshold"]) == ("Exc", 500.0 if certain else 50.0)
    assert report["rate"] == pytest.approx(rates[min(slice_number, len(rates)) - 1], rel=0.05)


def test_sheets_that_are_above_in_turns_do_not_explode(generation: Any, progress: Any) -> None:
    model = Model(generation.new, {"Exc": 20.0, "Inh": 20.0})
    run = model.run

    def in_turns(tstop: float) -> float:
        for n, sheet in enumerate(model.sheets.values()):
            spikes = sheet.pop.rate * sheet.pop.time
            sheet.pop.rate = 200.0 if len(model.simulated) % 2 == n else 20.0
            sheet.pop.time = spikes / sheet.pop.rate
        return run(tstop)

    model.run = in_turns  # type: ignore[method-assign]
    assert generation.run(model, progress.announce, slices_above=2).saved


def test_what_an_earlier_controller_does_not_say_is_as_it_was_then(generation: Any, progress: Any) -> None:
    model = Model(generation.new, {"Exc": 200.0})
    new = {"settle", "slices_above", "certain_threshold"}
    settings = {key: value for key, value in CHECK.items() if key not in new}
    with pytest.raises(generation.script.Exploded) as caught:
        generation.script.SliceWatch(model, settings, progress.announce).run(100.0)
    assert caught.value.report["slice"] == 1


def test_without_the_check_nothing_is_added(generation: Any, progress: Any) -> None:
    model = Model(generation.new, {"Exc": 500.0})
    generation.run(model, progress.announce, enabled=False)
    assert model.simulated == [("null", 150.0), ("stimulus", 1000.0)]


def test_slices_that_do_not_divide_the_duration_stay_on_the_time_grid(generation: Any, progress: Any) -> None:
    model = Model(generation.new, {"Exc": 20.0})
    generation.run(model, progress.announce, slices=7)
    durations = [duration for _, duration in model.simulated[:7]]
    assert sum(durations) == pytest.approx(100.0)
    assert all(duration == round(duration, 1) and 14 < duration < 15 for duration in durations)


def test_a_model_that_fetches_its_data_in_pieces_is_checked_in_the_same_slices(progress: Any, generation: Any) -> None:
    model = Model(generation.new, {"Exc": 20.0}, piece=10.0)
    generation.run(model, progress.announce)
    checks = [line for line in progress.lines if line["phase"] == "check"]
    assert [line["slice"] for line in checks] == [0, 1, 2, 3, 4]
    assert all(line["rates"]["Exc"] == pytest.approx(20.0, rel=0.21) for line in checks[1:])
    checked = model.simulated[: model.simulated.index(("null", 150.0))]
    assert sum(duration for _, duration in checked) == pytest.approx(100.0)


def test_mozaiks_own_monitor_in_a_protocol_counts_as_an_explosion(
    monkeypatch: pytest.MonkeyPatch, progress: Any
) -> None:
    script = script_with(monkeypatch, NewNoStimulation)
    model = Model(True, {"Exc": 20.0}, monitor=ParameterSet(sheet_name="Exc", threshold=30.0))
    model.explode_now = True
    model.sheets["Exc"].mean_spike_count = lambda: 41.5
    create = script.with_check(
        lambda model: [NewNoStimulation(model, ParameterSet(duration=1000.0))], {"enabled": False}, progress.announce
    )
    with pytest.raises(script.Exploded) as caught:
        run_workflow(True, model, create)
    report = {"sheet": "Exc", "rate": 41.5, "threshold": 30.0, "slice": None, "during": "NewNoStimulation"}
    assert caught.value.report == report


def test_mozaiks_own_monitor_does_not_judge_the_check(script: Any, progress: Any) -> None:
    """It takes the mean of all of it, the transient included, and the protocol would be skipped without a word."""
    model = Model(True, {"Exc": 20.0}, monitor=ParameterSet(sheet_name="Exc", threshold=10.0))
    model.explode_now = True
    assert script.ExplosionCheck(model, CHECK, progress.announce).run(Store(), [0]) == (pytest.approx(0.1), False)


def test_a_rate_that_mozaik_does_not_tell_is_not_known(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(True, {"Exc": 20.0})
    assert script.monitored_rate(model, "Exc") is None
    model.sheets["Exc"].mean_spike_count = lambda: 41.5
    assert (script.monitored_rate(model, "Exc"), script.monitored_rate(model, "Inh")) == (41.5, None)
    monkeypatch.setattr(script, "WORLD", SimpleNamespace(rank=1))  # where mozaik does not compute it
    assert script.monitored_rate(model, "Exc") is None


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    return script_with(monkeypatch, NewNoStimulation)


def test_a_sheet_without_spike_recorder_cannot_be_watched(script: Any) -> None:
    model = Model(True, {"Exc": 20.0, "Inh": 1.0})
    model.sheets["Inh"].to_record = {"v": [1]}
    assert set(script.watched_sheets(model, None)) == {"Exc"}
    with pytest.raises(SystemExit, match=r"sheet that records spikes \(Exc\), got 'Inh'"):
        script.watched_sheets(model, "Inh")


def test_rates_are_reduced_over_all_ranks(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    comm = SimpleNamespace(allreduce=lambda counts: counts + script.numpy.array([30, 0]))
    monkeypatch.setattr(script.mozaik, "mpi_comm", comm)
    sheets = Model(True, {"Exc": 0.0, "Inh": 0.0}).sheets
    assert script.mean_rates(sheets, script.numpy.array([10, 5]), 50.0) == {"Exc": 80.0, "Inh": 10.0}


ARGUMENTS = ["script", "nest", "1", "overlay", "results_dir", "'/tmp/x/'"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (ARGUMENTS, "usage: .*RUN_NAME"),
        (["script", "nest", "1", "overlay"], "usage: .*RUN_NAME"),
        ([*ARGUMENTS[:-1], "/tmp/x/", "run"], "results_dir: expected a Python literal .*got /tmp/x/"),
        ([*ARGUMENTS[:-1], "'/tmp/x'", "run"], "results_dir: expected a string that ends with '/'"),
        ([*ARGUMENTS, "a.b", "np.float64(1.0)", "run"], r"a\.b: expected a Python literal"),
    ],
)
def test_arguments_that_mozaik_would_misread_are_refused(script: Any, arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=message):
        script.check_arguments(arguments)


def test_the_orchestrators_arguments_are_accepted(script: Any) -> None:
    script.check_arguments([*ARGUMENTS, "pynn_seed", "7", "run"])


def test_settings_are_needed_and_complete(script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ORCHESTRATOR_OFFSPRING", raising=False)
    with pytest.raises(SystemExit, match="ORCHESTRATOR_OFFSPRING is not set"):
        script.load_settings()
    file = tmp_path / "offspring.json"
    monkeypatch.setenv("ORCHESTRATOR_OFFSPRING", str(file))
    with pytest.raises(SystemExit, match=r"offspring\.json.*No such file"):
        script.load_settings()
    file.write_text(json.dumps({"model": "model:M", "experiments": "e:c", "progress": "p"}))
    with pytest.raises(SystemExit, match="no explosion_check"):
        script.load_settings()


def test_progress_is_one_json_object_a_line(script: Any, tmp_path: Path) -> None:
    progress = script.Progress(str(tmp_path / "progress.jsonl"))
    progress("building")
    progress("check", slice=1, slices=2, rates={"Exc": 1.5})
    lines = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert [line.pop("time") > 1e9 for line in lines] == [True, True]
    assert lines == [{"phase": "building"}, {"phase": "check", "slice": 1, "slices": 2, "rates": {"Exc": 1.5}}]


@pytest.fixture
def full(script: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file system that is full for some tries, and takes the beginning of what is written."""
    left, slept = [0], [0.0]
    opened = Path.open

    def full_open(path: Path, *arguments: Any, **options: Any) -> Any:
        if not left[0]:
            return opened(path, *arguments, **options)
        left[0] -= 1
        with opened(path, *arguments, **options) as file:
            file.write('{"time": 1')
        raise OSError(28, "No space left on device", str(path))

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    monkeypatch.setattr(script.Path, "open", full_open)
    monkeypatch.setattr(script, "time", SimpleNamespace(time=time.time, sleep=sleep, monotonic=lambda: slept[0]))
    return SimpleNamespace(left=left, slept=slept)


def phases_in(path: Path) -> list[str]:
    return [entry["phase"] for entry in read_json_lines(path)]


def test_a_disk_that_is_full_for_a_moment_ends_no_simulation(script: Any, full: Any, tmp_path: Path) -> None:
    """A line of progress cost the hour that had been simulated."""
    progress = script.Progress(str(tmp_path / "progress.jsonl"))
    progress("building")
    full.left[0] = 1
    progress("protocols", step=1)
    progress("saving")
    assert phases_in(tmp_path / "progress.jsonl") == ["building", "saving"]
    assert full.slept == [0]


def test_that_a_network_has_exploded_is_told_once_the_disk_has_room(script: Any, full: Any, tmp_path: Path) -> None:
    progress = script.Progress(str(tmp_path / "progress.jsonl"))
    full.left[0] = 3
    progress("exploded", sheet="Exc")
    assert phases_in(tmp_path / "progress.jsonl") == ["exploded"]
    assert full.slept == [15]
    full.left[0] = 1000
    with pytest.raises(OSError, match="cannot be written"):
        progress("exploded", sheet="Exc")


def test_only_rank_0_writes_progress(script: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(script, "WORLD", SimpleNamespace(rank=1))
    script.Progress(str(tmp_path / "progress.jsonl"))("building")
    assert not list(tmp_path.iterdir())


def test_versions_are_those_of_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    script = script_with(monkeypatch, NewNoStimulation)
    nest = ModuleType("nest")
    nest.__version__ = "3.9.0"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nest", nest)
    monkeypatch.delitem(sys.modules, "pyNN", raising=False)
    monkeypatch.setattr(script.metadata, "version", lambda name: {"mozaik": "0.1.0"}[name])
    assert script.versions() == {"mozaik": "0.1.0", "NEST": "3.9.0"}
