"""Variables and objectives as the gest-api standard describes them, as a search space and scores of ours."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from gest_api.vocs import (
    VOCS,
    BaseVariable,
    ContextualVariable,
    ContinuousVariable,
    DiscreteVariable,
    ExploreObjective,
    MaximizeObjective,
)

from orchestrator.optimisers.priors import Choice
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.records import FloatArray


def space_of(vocs: VOCS, log: Collection[str] = ()) -> SearchSpace:
    """Return the search space of the variables.

    Parameters
    ----------
    vocs : gest_api.vocs.VOCS
        With continuous variables of finite domains, and discrete ones whose values are numbers.
    log : collection of str
        Names of variables that are searched by their logarithm: continuous, or successive whole numbers.

    Raises
    ------
    ValueError
        If there are no variables, or others; if one of `log` is none of them, or not above 0.
    """
    if not vocs.variables:
        raise ValueError("expected at least one variable, got none")
    if unknown := sorted(set(log) - set(vocs.variables)):
        raise ValueError(f"log: {', '.join(unknown)} is no variable; these are {', '.join(vocs.variables)}")
    return SearchSpace([_parameter(name, each, log=name in log) for name, each in vocs.variables.items()])


def _parameter(name: str, variable: BaseVariable, *, log: bool) -> Parameter:
    if isinstance(variable, ContextualVariable):
        raise ValueError(f"{name}: a contextual variable is observed, not searched; expected one with a domain")
    prior: Choice | None = None
    if isinstance(variable, ContinuousVariable):
        (low, high), integer = map(float, variable.domain), False
    elif isinstance(variable, DiscreteVariable) and _are_successive(variable.values):
        low, high, integer = float(min(variable.values)), float(max(variable.values)), True
    elif isinstance(variable, DiscreteVariable) and _are_numbers(variable.values) and len(variable.values) > 1:
        prior = Choice(tuple(sorted(variable.values)))
        low, high, integer = prior.values[0], prior.values[-1], all(isinstance(each, int) for each in prior.values)
    else:
        raise ValueError(f"{name}: expected a continuous variable, or two or more numbers, got {variable!r}")
    if not math.isfinite(high - low):
        raise ValueError(f"{name}: expected a finite domain, got [{low}, {high}]")
    if log and low <= 0:
        raise ValueError(f"{name}: log needs a domain above 0, got [{low:g}, {high:g}]")
    if log and prior is not None:
        raise ValueError(f"{name}: log needs a continuous variable, or successive whole numbers, got {prior}")
    return Parameter(name, low, high, log=log, integer=integer, prior=prior)


def _are_successive(values: Collection[Any]) -> bool:
    if not _are_numbers(values):
        return False
    return {float(each) for each in values} == {float(min(values)) + n for n in range(len(values))} and all(
        float(each).is_integer() for each in values
    )


def _are_numbers(values: Collection[Any]) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each) for each in values)


def start_of(vocs: VOCS, space: SearchSpace) -> FloatArray:
    """Return the point of the default values, shape (n_variables,); the middle where there is none.

    Raises
    ------
    ValueError
        If a default value is outside the domain.
    """
    values = dict(space.middle)
    for parameter in space.parameters:
        default = vocs.variables[parameter.name].default_value
        if default is not None and not parameter.low <= default <= parameter.high:
            bounds = f"[{parameter.low:g}, {parameter.high:g}]"
            raise ValueError(f"{parameter.name}: the default value must be inside {bounds}, got {default:g}")
        if default is not None and not parameter.allows(default):
            raise ValueError(f"{parameter.name}: the default value must be one of {parameter.choice}, got {default:g}")
        if default is not None:
            values[parameter.name] = default
    return space.encode(values)


class Objectives:
    """What is to be minimised, each as a score: the distance from the best value that there can be.

    Parameters
    ----------
    vocs : gest_api.vocs.VOCS
        With objectives that are minimised or maximised, and without constraints.
    best : mapping of str to float
        The best value that an objective can have, in its unit; 0 if it is not said.

    Raises
    ------
    ValueError
        If there are others, or none.
    """

    def __init__(self, vocs: VOCS, best: Mapping[str, float]):
        if not vocs.objectives:
            raise ValueError("expected at least one objective, got none")
        if vocs.constraints:
            given = ", ".join(vocs.constraint_names)
            raise ValueError(f"expected no constraints, got {given}: let objectives grow where they are violated")
        explored = [name for name, each in vocs.objectives.items() if isinstance(each, ExploreObjective)]
        if explored:
            raise ValueError(f"{', '.join(explored)}: expected MINIMIZE or MAXIMIZE, got EXPLORE")
        if unknown := sorted(set(best) - set(vocs.objectives)):
            raise ValueError(f"best: {', '.join(unknown)} is no objective; these are {', '.join(vocs.objectives)}")
        self.names = tuple(vocs.objective_names)
        self._signs = [-1.0 if isinstance(each, MaximizeObjective) else 1.0 for each in vocs.objectives.values()]
        self._best = [float(best.get(name, 0.0)) for name in self.names]

    def scores(self, result: Mapping[str, Any]) -> FloatArray:
        """Return the score of each objective, shape (n_objectives,); all NaN if the evaluation failed.

        Parameters
        ----------
        result : mapping of str to object
            With a number for each objective; one that is None or not finite says that it failed.

        Raises
        ------
        ValueError
            If an objective is missing, or no number.
        """
        if missing := [name for name in self.names if name not in result]:
            raise ValueError(f"expected a value of {', '.join(missing)} in each result, got {sorted(result)}")
        found = np.array([number_of(name, result[name]) for name in self.names])
        if not np.isfinite(found).all():
            return np.full(len(found), np.nan)
        return np.array(self._signs) * (found - self._best)


def number_of(name: str, value: Any) -> float:
    """Return what may be a number of numpy, NaN for None; raises ValueError if it is none."""
    try:
        return math.nan if value is None else float(np.asarray(value, dtype=float).item())
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected a number, got {value!r}") from error
