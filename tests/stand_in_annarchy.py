"""A stand-in for ANNarchy and CompNeuroPy, for tests of what the program does with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ANNARCHY = """
import numpy as np

rng, now, step, populations = np.random.default_rng(), 0, 1.0, {}


class Neuron:
    def __init__(self, parameters, type="rate", common=()):
        self.type, self.parameters = type, dict(parameters)
        self.description = {"attributes": [*parameters, "r"], "global": list(common)}


class Population:
    def __init__(self, size, neuron, name="unnamed"):
        self.size, self.neuron_type, self.enabled = size, neuron, True
        self.attributes = neuron.description["attributes"]
        self.back()
        populations[name] = self
    def back(self):
        for name, value in self.neuron_type.parameters.items(): setattr(self, name, np.full(self.size, float(value)))
    def disable(self): self.enabled = False


def setup(dt): global step; step = dt
def get_population(name): return populations[name]
def set_seed(seed): global rng; rng = np.random.default_rng(seed)
def reset():
    global now
    now = 0
    for each in populations.values(): each.back()
def simulate(duration): global now; now += duration
"""
COMPNEUROPY = """
import os
from pathlib import Path

import ANNarchy
import numpy as np


def compile_in_folder(folder, silent):
    at = Path("annarchy_folders", folder)
    at.mkdir(parents=True, exist_ok=True)
    if not (at / "library").exists():
        assert os.environ["PATH"].split(os.pathsep)[0]
        (at / "library").write_text("compiled")
        with open(os.environ.get("COMPILED", os.devnull), "a") as file: file.write("compiled\\n")


class CompNeuroMonitors:
    def __init__(self, mon_dict):
        ((self.key, self.variables),) = mon_dict.items()
        self.name, _, period = self.key.partition(";")
        self.period, self.chunks, self.started = float(period or ANNarchy.step), [], False
    def start(self): self.started = True
    def chunk(self):
        population, count = ANNarchy.get_population(self.name), int(ANNarchy.now / self.period)
        size = population.size
        found = {f"{self.name};period": self.period, f"{self.name};parameter_dict":
            {name: getattr(population, name) for name in population.neuron_type.parameters}, "dt": ANNarchy.step}
        noise = ANNarchy.rng.normal(size=(count, size)) * getattr(population, "noise", 0)
        for variable in self.variables:
            if variable == "spike":
                found[f"{self.name};spike"] = {n: [2, 4] for n in range(size)}
            else:
                found[f"{self.name};{variable}"] = np.ones((count, 1)) * (population.a * population.current) + noise
        self.chunks.append((found, {self.name: {"start": {"ms": [0.0]}, "stop": {"ms": [(count - 1) * self.period]}}}))
    def get_recordings_and_clear(self):
        if ANNarchy.now: self.chunk()
        chunks, self.chunks, self.started = self.chunks, [], False
        return [found for found, _ in chunks], Times([times for _, times in chunks])


class Times:
    def __init__(self, chunks): self.chunks = chunks
    def all(self): return self.chunks


class Results: pass


class CompNeuroExp:
    def __init__(self, monitors=None): self.monitors, self.data, self.state = monitors, {}, {}
    def store_model_state(self, compartment_list):
        (name,) = compartment_list
        population = ANNarchy.get_population(name)
        self.state = {population: {each: getattr(population, each) for each in population.neuron_type.parameters}}
    def reset(self):
        if self.monitors is not None: self.monitors.chunk()
        ANNarchy.reset()
        for population, state in self.state.items():
            for name, value in state.items(): setattr(population, name, value)
    def results(self):
        found = Results()
        found.data, found.recordings, found.recording_times = self.data, [], None
        if self.monitors is not None: found.recordings, found.recording_times = self.monitors.get_recordings_and_clear()
        return found
"""
# a script of a user's, as OptNeuron takes it
FITTED = """
import ANNarchy
import numpy as np
from ANNarchy import Neuron
from CompNeuroPy import CompNeuroExp
from CompNeuroPy.opt_neuron import OptNeuron

cell = Neuron({"a": 0, "current": 0, "noise": 0})
spiking = Neuron({"a": 0, "current": 0, "noise": 0}, type="spike")
seeded = Neuron({"a": 0, "current": 0, "seed": 0})
known = Neuron({"a": 3, "current": 0})
shared = Neuron({"a": 0, "current": 0}, common=["a"])
calls = []


class Steps(CompNeuroExp):
    durations = (4, 4)
    def run(self, name):
        calls.append(name)
        self.monitors.start()
        population = ANNarchy.get_population(name)
        assert population.enabled
        population.current = population.current + 1
        ANNarchy.simulate(self.durations[0])
        self.reset()
        population.current = population.current + 2
        ANNarchy.simulate(self.durations[1])
        self.data["name"] = name
        return self.results()


class Uneven(Steps):
    durations = (4, 6)


class Breaking(Steps):
    def run(self, name):
        results = super().run(name)
        if (ANNarchy.get_population(name).a > 90).any():
            self.monitors.start()
            ANNarchy.simulate(3)
            quit()
        return results


class Forgetful(Steps):
    def run(self, name): super().run(name)


class Unclosed(Steps):
    def run(self, name):
        self.monitors.start()
        ANNarchy.simulate(4)


def measured(): return [3.0, 6.0]


def get_loss(results_ist, results_soll):
    name = results_ist.data["name"]
    found = [chunk[f"{name};r"][:, 0].mean() for chunk in results_ist.recordings]
    if hasattr(results_soll, "recordings"):
        results_soll = [chunk[results_soll.data["name"] + ";r"][:, 0].mean() for chunk in results_soll.recordings]
    if found[0] == 13:
        raise ArithmeticError("unlucky")
    results_ist.data["name"] = "whatever a loss does with its own results"
    return [abs(x - y) for x, y in zip(found, results_soll)]


def single(results_ist, results_soll): return np.float64(get_loss(results_ist, results_soll)[0])


def named(results_ist, results_soll): return dict(zip(["first", "second"], get_loss(results_ist, results_soll)))


def spoiling(results_ist, results_soll):
    from halving import halve
    halve(results_soll)
    return get_loss(results_ist, results_soll)


def words(results_ist, results_soll): return "good"


if __name__ == "__main__":
    OptNeuron(experiment=Steps)
"""


def install(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let modules ``ANNarchy`` and ``CompNeuroPy`` of a directory be imported, here and by processes that start."""
    directory.mkdir()
    (directory / "ANNarchy.py").write_text(ANNARCHY)
    (directory / "CompNeuroPy.py").write_text(COMPNEUROPY)
    monkeypatch.syspath_prepend(str(directory))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(directory), os.environ.get("PYTHONPATH")])))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("ANNarchy", "CompNeuroPy")]:
        monkeypatch.delitem(sys.modules, name)
    # whatever is imported from now on is forgotten at the end
    for name in ("ANNarchy", "CompNeuroPy"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
