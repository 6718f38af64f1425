"""What an experiment of CompNeuroPy returns: that of one neuron of its population, and what targets get of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.records import Outcome
from orchestrator.simulations.annarchy.options import AnnarchyOptions
from orchestrator.simulations.base import SimulationFailed
from targets import Events, Recordings, Trace
from targets.numbers import FloatArray, as_number
from targets.recordings.taking import as_recordings

# what ANNarchy has of spikes: a list of time steps for each neuron
_SPIKES = ("spike", "axon_spike")
_PERIOD, _PARAMETERS = "period", "parameter_dict"


def of_neuron(results: Any, population: str, neuron: int, size: int) -> Any:
    """Return results with the recordings of one neuron of a population alone, which becomes neuron 0.

    Parameters
    ----------
    results : CompNeuroPy.CompNeuroExp._ResultsCl
        They are not changed, and whoever changes what is returned changes nothing of them.
    population : str
        Name of the population.
    neuron : int
        From 0.
    size : int
        Neurons of the population; the results of a single one are as they are.
    """
    if size == 1:
        return results
    found = copy.copy(results)
    found.recordings = [
        {key: _of_neuron(key, value, population, neuron) for key, value in chunk.items()}
        for chunk in results.recordings
    ]
    found.data = copy.deepcopy(results.data)
    return found


def _of_neuron(key: str, value: Any, population: str, neuron: int) -> Any:
    compartment, _, variable = key.partition(";")
    if compartment != population or variable == _PERIOD:
        return value
    if variable == _PARAMETERS:
        # those of a whole population are single numbers
        return {name: each if np.ndim(each) == 0 else np.array([each[neuron]]) for name, each in value.items()}
    if variable in _SPIKES:
        return {0: list(value[neuron])}
    return np.array(value[:, [neuron]])


def recordings_of(results: Any, population: str, loss: object, options: AnnarchyOptions, directory: Path) -> Recordings:
    """Return what targets get of the results of one neuron.

    A variable is a trace with a row (a sweep) for each chunk, that is, for what comes before the first reset of the
    experiment, between the first and the second one, and so on. If chunks differ in their times, each is a trace of
    its own: ``v.0``, ``v.1``. Spikes are events in ms, whose labels are the numbers of their chunks. A loss is the
    number ``loss``; the parts of a list or mapping are ``loss.0``, ``loss.1`` or ``loss.<key>``, and ``loss`` is their
    sum, as OptNeuron takes it.

    Parameters
    ----------
    results : CompNeuroPy.CompNeuroExp._ResultsCl
        Of one neuron.
    population : str
        Name of its population.
    loss : object
        What ``get_loss`` returned, None if there is no such function.
    options : AnnarchyOptions
        The section ``simulation``.
    directory : pathlib.Path
        That of the recordings.

    Raises
    ------
    SimulationFailed
        If a variable is infinite, or a loss is no number.
    """
    left: dict[str, object] = {} if options.get_loss is None else _numbers(loss, options.get_loss)
    for variable in options.record:
        if variable in _SPIKES:
            left[variable] = _events(results, population, variable)
        else:
            left |= _traces(results, population, variable, options.units.get(variable, ""))
    return as_recordings(left, directory)


def _events(results: Any, population: str, variable: str) -> Events:
    spikes = [
        (step * chunk["dt"], number)
        for number, chunk in enumerate(results.recordings)
        for step in chunk.get(f"{population};{variable}", {0: []})[0]
    ]
    return Events([time for time, _ in spikes], [number for _, number in spikes])


def _traces(results: Any, population: str, variable: str, unit: str) -> dict[str, Trace]:
    """Return the traces of a variable; a chunk of less than two samples has none."""
    found: dict[int, tuple[FloatArray, FloatArray]] = {}
    for number, chunk in enumerate(results.recordings):
        values = np.asarray(chunk.get(f"{population};{variable}", np.empty((0, 1))), dtype=float)[:, 0]
        if values.size < 2:
            continue
        times = np.concatenate(list(_times(results, number, population)))
        if (infinite := np.isinf(values)).any():
            message = f"{variable} of chunk {number} is infinite from {times[np.argmax(infinite)]:g} ms on"
            raise SimulationFailed(Outcome.SIMULATION_ERROR, f"{message}: the integration has failed")
        found[number] = times, values
    rows = list(found.values())
    if rows and all(np.array_equal(times, rows[0][0]) for times, _ in rows):
        values = np.array([values for _, values in rows])
        return {variable: Trace(rows[0][0], values[0] if len(rows) == 1 else values, unit)}
    return {f"{variable}.{number}": Trace(*each, unit) for number, each in found.items()}


def _times(results: Any, number: int, population: str) -> Iterator[FloatArray]:
    """Yield the times of the samples of a chunk in ms, from each start of the monitor to its pause."""
    period = results.recordings[number][f"{population};{_PERIOD}"]
    limits = results.recording_times.all()[number][population]
    for start, stop in zip(limits["start"]["ms"], limits["stop"]["ms"], strict=True):
        yield start + period * np.arange(1 + round((stop - start) / period))


def _numbers(loss: object, reference: str) -> dict[str, object]:
    """Return the numbers of what ``get_loss`` returned."""
    if isinstance(loss, Mapping):
        parts = {str(key): each for key, each in loss.items()}
    elif isinstance(loss, (list, tuple)) or np.ndim(loss) > 0:  # type: ignore[arg-type]
        parts = {str(n): each for n, each in enumerate(loss)}  # type: ignore[arg-type, var-annotated]
    else:
        return {"loss": _number(loss, reference)}
    numbers = {f"loss.{key}": _number(each, reference) for key, each in parts.items()}
    known = [each for each in numbers.values() if each is not None]
    return {"loss": sum(known) if len(known) == len(numbers) else None, **numbers}


def _number(loss: object, reference: str) -> float | None:
    try:
        return as_number(loss)
    except TypeError as error:
        message = f"simulation.get_loss: {reference}: {error}. Return a number, or a list or mapping of numbers"
        raise SimulationFailed(Outcome.SIMULATION_ERROR, message) from error
