"""The section ``simulation`` of a neuron model of ANNarchy in an experiment of CompNeuroPy."""

from __future__ import annotations

import importlib.util
import sys
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from orchestrator.config.section import CIRCUMSTANCE, AnySeed, Reference
from orchestrator.simulations.options import TrialOptions

# the only seed there is: that of ANNarchy's and of numpy's random numbers
SEED = "seed"


class AnnarchyOptions(TrialOptions):
    """An experiment of CompNeuroPy with a population of a neuron model of ANNarchy, as its OptNeuron takes them."""

    stand_ins: ClassVar[dict[str, object]] = {"experiment": "missing:Missing", "neuron_model": "missing:missing"}

    type: str = Field("annarchy", description="name of the kind of simulation, or file.py:Class for one of your own")
    experiment: Reference = Field(
        description="module:Class derived from CompNeuroExp, whose run(population_name) simulates and returns "
        "self.results(); importable from the model directory"
    )
    neuron_model: Reference = Field(description="module:name of the ANNarchy Neuron whose parameters are searched")
    get_loss: Reference | None = Field(
        None,
        description="module:function get_loss(results_ist, results_soll) that returns a number, a list or a mapping of "
        "numbers; without it, targets compare what is recorded",
    )
    results_soll: Reference | None = Field(
        None,
        description="module:name of the measured data, which get_loss gets in second place; a function is called "
        "without arguments",
    )
    target_neuron_model: Reference | None = Field(
        None,
        description="module:name of an ANNarchy Neuron in their place: the experiment is run with it once, and "
        "get_loss gets the results",
    )
    time_step: float = Field(1.0, gt=0, description="time step of ANNarchy in ms")
    recording_period: float | None = Field(
        None, gt=0, description="time between two recorded samples in ms, by default the time step"
    )
    record: tuple[str, ...] = Field((), description="variables of the neuron that are recorded; spike for its spikes")
    units: dict[str, str] = Field(
        default_factory=dict, description="units of recorded variables, such as v: mV, for targets that convert them"
    )
    population: int = Field(
        16,
        ge=1,
        description="neurons of the population, each with a parameter set of its own: so many evaluations are "
        "simulated at once; one by one if there is a seed",
        json_schema_extra=CIRCUMSTANCE,
    )
    files: tuple[str, ...] = Field(
        (),
        description="further files that decide about the values, as patterns relative to the model directory: it is "
        "told if they change during a run",
        json_schema_extra=CIRCUMSTANCE,
    )

    @field_validator("seeds")
    @classmethod
    def _only_one(cls, seeds: dict[str, AnySeed]) -> dict[str, AnySeed]:
        if other := sorted(seeds.keys() - {SEED}):
            raise ValueError(
                f"expected no other than {SEED}, which is that of ANNarchy's and of numpy's random numbers, "
                f"got {other[0]!r}"
            )
        return seeds

    @model_validator(mode="after")
    def _leaves_something(self) -> AnnarchyOptions:
        given = [key for key in ("results_soll", "target_neuron_model") if getattr(self, key) is not None]
        if self.get_loss is not None and len(given) != 1:
            got = "both" if given else "neither"
            raise ValueError(f"get_loss needs either results_soll or target_neuron_model, got {got}")
        if self.get_loss is None and given:
            raise ValueError(f"only get_loss gets {given[0]}, and there is none; name it, or leave {given[0]} out")
        if self.get_loss is None and not self.record:
            raise ValueError("nothing would be left for targets: name get_loss, or what to record")
        if self.recording_period is not None and self.recording_period < self.time_step:
            raise ValueError(f"recording_period is {self.recording_period:g} ms, less than a time_step")
        if unknown := sorted(self.units.keys() - set(self.record)):
            raise ValueError(f"units: {unknown[0]!r} is not recorded")
        return self

    @property
    def neurons(self) -> int:
        """Parameter sets that are simulated at once; one if each evaluation has a seed."""
        return 1 if self.seeds else self.population

    def common_json(self) -> str:
        """Return the section as JSON, the same for all evaluations of a run, which differ in their seeds."""
        return self.model_copy(update={"seeds": dict.fromkeys(self.seeds, 0)}).model_dump_json()

    @property
    def monitored(self) -> str:
        """What a population's name is followed by for a monitor of CompNeuroPy: its period, which spikes have not."""
        alone = set(self.record) == {"spike"}
        return "" if self.recording_period is None or alone else f";{self.recording_period}"


def missing_packages() -> str | None:
    """Return what this Python lacks for such simulations, with the command that installs it; None if nothing."""
    missing = [name for name in ("ANNarchy", "CompNeuroPy") if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return (
        f"{sys.executable}, with which the jobs run, has no {' and no '.join(missing)}. Install the extra annarchy: "
        f"{sys.executable} -m pip install 'mozaik-orchestrator[annarchy]'"
    )
