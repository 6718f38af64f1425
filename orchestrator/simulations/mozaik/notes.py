"""What is worth knowing of a mozaik model before it is simulated, although nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.simulations.base import Finding, Recorded
from orchestrator.simulations.mozaik.check import lacks_python
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.mozaik.parameters import lookup, read_parameter_tree
from orchestrator.simulations.mozaik.recorders import selections
from orchestrator.simulations.mozaik.sheets import Sheet, sheets_of

if TYPE_CHECKING:
    from orchestrator.config.model import Config

# measured on datastores of the balanced network and the visual model: a pickled train without its spikes, a neuron's
# share of the annotations; and the rate (Hz) of a network that is somewhat more active than it should be
_BYTES_PER_TRAIN = 550.0
_ASSUMED_RATE = 10.0
_BYTES_PER_NUMBER = 8.0


def model_notes(options: MozaikOptions, model_dir: Path, config: Config) -> list[Finding]:
    """Return what is worth a look in a configuration that fits the model."""
    tree = read_parameter_tree(options.parameters_url, model_dir)
    python = _python(options, model_dir, config)
    return [*_environment(options), *python, *_whole_numbers(tree, config), *selections(config, sheets_of(tree))]


def _environment(options: MozaikOptions) -> Iterator[Finding]:
    lines = [line for line in options.setup if "activate" in line or line.lstrip().startswith("module ")]
    if lines and options.python is None:
        message = (
            f"{lines[0]!r} changes the environment, but simulation.python is not given, so that simulations run on the "
            "orchestrator's own Python; python: python takes the one of that environment"
        )
        yield ("simulation", "setup"), message


def _python(options: MozaikOptions, model_dir: Path, config: Config) -> Iterator[Finding]:
    if config.executor == "slurm" and lacks_python(options, model_dir, config):
        message = f"this machine has no program {options.python!r}; make sure that the nodes have (check --on-node)"
        yield ("simulation", "python"), message


def _whole_numbers(tree: Mapping[str, Any], config: Config) -> Iterator[Finding]:
    searched = {name: lookup(tree, name) for name, spec in config.parameters.items() if not spec.integer}
    first, *others = [name for name, value in searched.items() if isinstance(value, int)] or [""]
    if first:
        message = f"is written as a whole number in the model, {searched[first]}, and searched as a real one"
        same = f" So are {', '.join(others)}." if others else ""
        yield (
            ("parameters", first),
            f"{message}; where only whole ones are allowed, as for counts, add integer: true.{same}",
        )


def recorded_by(options: MozaikOptions, model_dir: Path) -> Recorded | None:
    """Return an estimate of the size of what all sheets record; None where a sheet's recorders are not known."""
    sheets = list(sheets_of(read_parameter_tree(options.parameters_url, model_dir)).values())
    trains, signals, per_second = 0, 0, 0.0
    for sheet in sheets:
        if sheet.recorders is None:
            return None
        cells = _cells_by_variable(sheet)
        if None in cells.values():
            return None
        for variable, number in cells.items():
            if variable == "spikes":
                trains += number or 0
            else:
                signals += number or 0
                per_second += (number or 0) * 1000.0 / sheet.interval * _BYTES_PER_NUMBER
    if not sheets or not (trains or signals):
        return None
    per_second += trains * _ASSUMED_RATE * _BYTES_PER_NUMBER
    made_of = f"spikes of {trains:,} neurons at {_ASSUMED_RATE:g} Hz and {signals:,} signals"
    return Recorded(trains * _BYTES_PER_TRAIN, per_second, made_of)


def _cells_by_variable(sheet: Sheet) -> dict[str, int | None]:
    """Return of how many neurons each variable is recorded, at most; None where that is not known."""
    cells: dict[str, int | None] = {}
    for variable in sheet.variables:
        numbers = [each.cells for each in sheet.recorders_of(variable)]
        known = [number for number in numbers if number is not None]
        total = sum(known)
        cells[variable] = None if len(known) < len(numbers) else min(total, sheet.neurons or total)
    return cells
