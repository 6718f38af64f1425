"""The best individual in a checkpoint of the predecessor, a pickle of BluePyOpt; nothing in it is executed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError
from targets import DatastoreError
from targets.pickles import MOZAIK, Instance, Vocabulary, make_instance_of, read_pickle
from targets.plugins import nearest

# what BluePyOpt's checkpoints name besides its own classes and those of deap: the parts of its toolbox
_PARTS = {
    "builtins": ("getattr", "map"),
    "__builtin__": ("getattr", "map"),
    "collections": ("defaultdict", "deque"),
    "copy": ("deepcopy",),
    "functools": ("partial",),
    "itertools": ("imap",),
    "_operator": ("eq",),
    "operator": ("eq",),
    "numpy": ("sum", "mean", "max", "amax", "median"),
    "numpy.core.fromnumeric": ("sum", "mean", "amax"),
}
_BLUEPYOPT = Vocabulary(
    {**MOZAIK.makers, **{(module, n): make_instance_of(n) for module, names in _PARTS.items() for n in names}},
    MOZAIK.names,
    ("bluepyopt", "deap"),
    "one of BluePyOpt's or deap's",
)


@dataclass(frozen=True)
class BestIndividual:
    """The best individual that a checkpoint of the predecessor knows of.

    Parameters
    ----------
    path : pathlib.Path
        The checkpoint.
    names : sequence of str
        Of its parameters; empty if the checkpoint does not say, as those of before 2022.
    values : sequence of float
        In the parameters' own units, in the same order.
    total_score : float
        Sum of its scores.
    generation : int or None
        How many generations had been simulated.
    """

    path: Path
    names: Sequence[str]
    values: Sequence[float]
    total_score: float
    generation: int | None

    @property
    def described(self) -> str:
        """What it is, for people."""
        after = "" if self.generation is None else f" after {self.generation} generations"
        return f"the best of {self.path.name}{after}, of total score {self.total_score:.4g}"

    def start_values(self, bounds: Mapping[str, tuple[float, float]], searched_by: str) -> dict[str, float]:
        """Return start values for a search space.

        Parameters
        ----------
        bounds : mapping of str to (float, float)
            Of the parameters that are searched, in their order.
        searched_by : str
            What says so, for people.

        Raises
        ------
        orchestrator.errors.UsageError
            If they are other parameters, or a value is outside its bounds.
        """
        names = self.names or list(bounds)
        if len(names) != len(self.values):
            raise UsageError(
                f"--import-best {self.path}: its individuals have {len(self.values)} parameters, {searched_by} has "
                f"{len(names)}. Give the config_optimisation that it was made with: --import FILE"
            )
        found = dict(zip(names, self.values, strict=True))
        if others := [name for name in found if name not in bounds]:
            raise UsageError(
                f"--import-best {self.path}: has parameters that are not searched by {searched_by}: {', '.join(others)}"
                f"{nearest(others[0], bounds) or '.'} Give the config_optimisation that it was made with: --import FILE"
            )
        outside = [
            f"{name}: {value:g}, expected {bounds[name][0]:g} to {bounds[name][1]:g}"
            for name, value in found.items()
            if not bounds[name][0] <= value <= bounds[name][1]
        ]
        if outside:
            listed = "\n  ".join(outside)
            message = f"its best individual is outside the bounds of {searched_by}; widen them:\n  {listed}"
            raise UsageError(f"--import-best {self.path}: {message}")
        return found


def read_best(path: Path) -> BestIndividual:
    """Read a checkpoint of BluePyOpt.

    Raises
    ------
    orchestrator.errors.UsageError
        If it is none, or names anything but BluePyOpt's and deap's classes, or has no evaluated individual.
    """
    try:
        content = read_pickle(path, _BLUEPYOPT)
    except DatastoreError as error:
        raise UsageError(f"--import-best: {error}") from error
    if not isinstance(content, dict) or "population" not in content:
        raise UsageError(
            f"--import-best {path}: expected a checkpoint of BluePyOpt, a dict with 'population' and 'halloffame', got "
            f"{type(content).__name__}; the predecessor's is opt_check.pkl in its folder ..._Optimization"
        )
    individuals = [*_individuals(content.get("halloffame")), *_individuals(content["population"])]
    if not individuals:
        raise UsageError(f"--import-best {path}: has no individual that was evaluated")
    total, values = min(individuals, key=lambda each: each[0])
    names, generation = content.get("param_names"), content.get("generation")
    named = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return BestIndividual(path, named, values, total, generation if isinstance(generation, int) else None)


def _individuals(population: Any) -> Iterator[tuple[float, list[float]]]:
    """Yield total score and values of each individual that was evaluated."""
    if isinstance(population, Instance):  # a hall of fame
        population = population.state.get("items")
    for each in population if isinstance(population, list) else ():
        if not isinstance(each, Instance):
            continue
        fitness = each.state.get("fitness")
        state = fitness.state if isinstance(fitness, Instance) else {}
        weighted, weights, values = (_numbers(n) for n in (state.get("wvalues"), state.get("weights"), each.elements))
        if weighted and values:
            if len(weights) != len(weighted) or 0 in weights:
                weights = [-1.0] * len(weighted)  # as all of the predecessor's objectives have
            yield math.fsum(value / weight for value, weight in zip(weighted, weights, strict=True)), values


def _numbers(values: Any) -> list[float]:
    """Return finite numbers; none if they are anything else."""
    listed = list(values) if isinstance(values, (list, tuple)) else []
    finite = all(isinstance(each, (int, float)) and math.isfinite(each) for each in listed)
    return [float(each) for each in listed] if finite else []
