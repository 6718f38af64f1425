"""Where parameters are at their bounds; how far bounds that others decide can go, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.parameters.bounds import Bounds
from orchestrator.parameters.expressions import NoNumber

# parameters of which all combinations of bounds are looked at
_COMBINED = 6
# points inside that are looked at, beside corners
_INSIDE = 64


class WrongBounds(ValueError):
    """Bounds that other parameters decide, and between which nothing can be searched."""


def widened(parameters: Sequence[Parameter]) -> tuple[list[Parameter], dict[str, str]]:
    """Return parameters with the least and the largest value of bounds that others decide, and what is wrong with them.

    They are looked at where the parameters that decide are at their bounds, and at points between. What depends on
    wrong bounds is not looked at.

    Parameters
    ----------
    parameters : sequence of Parameter
        Whose bounds need nothing that is not among them.

    Returns
    -------
    list of Parameter
        In the same order; where something is wrong, as it was.
    dict of str to str
        What is wrong, by the name of the parameter.
    """
    found = {each.name: each for each in parameters}
    wrong: dict[str, str] = {}
    for each in SearchSpace(parameters).ordered:
        if each.moving is None or wrong.keys() & set(each.moving.names):
            continue
        deciding = SearchSpace([found[name] for name in found if name in each.moving.names])
        try:
            low, high = _widest(each, each.moving, deciding)
            found[each.name] = replace(each, low=low, high=high)
        except WrongBounds as error:
            wrong[each.name] = str(error)
    return [*found.values()], wrong


def corners(space: SearchSpace, names: Sequence[str], start: Mapping[str, float]) -> Iterator[dict[str, float | int]]:
    """Yield the start values with some parameters at their bounds: all of them, and one at a time.

    Parameters
    ----------
    space : SearchSpace
        Of all parameters.
    names : sequence of str
        The parameters that are varied; with six of them or fewer, all combinations are yielded.
    start : mapping of str to float
        All parameters. Those that stay keep their values, or their place between bounds that others decide.
    """
    places = dict(zip(space.names, space.encode(start), strict=True))
    patterns = range(2 ** len(names)) if len(names) <= _COMBINED else (0, -1)
    chosen = [{name: pattern >> n & 1 for n, name in enumerate(names)} for pattern in patterns]
    chosen += [{name: side} for name in names for side in (0, 1)]
    kept = {each.name for each in space.parameters if each.moving is None}

    def value(parameter: Parameter, sides: Mapping[str, int]) -> float | int:
        name = parameter.name
        if name in sides:
            return parameter.high if sides[name] else parameter.low
        return start[name] if name in kept else parameter.decode(places[name])

    for sides in chosen:
        yield space.valued(partial(value, sides=sides))


def _widest(parameter: Parameter, bounds: Bounds, deciding: SearchSpace) -> tuple[float, float]:
    """Return the least and the largest bound; raises `WrongBounds`."""
    orders: dict[bool, str] = {}
    least, largest = np.inf, -np.inf
    for values in _looked_at(deciding):
        try:
            low, high = parameter.ends(values)
        except NoNumber as error:
            raise WrongBounds(f"its bounds need a value wherever the others are: {error}") from error
        got = f"[{low:.6g}, {high:.6g}]{_with(values)}"
        if parameter.log and min(low, high) <= 0:
            raise WrongBounds(f"scale: log needs bounds above 0, got {got}")
        if low != high:
            orders.setdefault(low < high, got)
        least, largest = min(least, low, high), max(largest, low, high)
    if len(orders) > 1:
        raise WrongBounds(
            f"expected bounds of which the same is the smaller one everywhere, got {' and '.join(orders.values())}: "
            f"change {bounds}, with min and max if need be"
        )
    if not orders:
        raise WrongBounds(
            f"expected two different bounds, got {bounds}, which are always the same; what is not searched is written "
            "{expression: text}"
        )
    return least, largest


def _looked_at(deciding: SearchSpace) -> Iterator[Mapping[str, float | int]]:
    """Yield values of the parameters that decide: in their middles, at their bounds, and in between."""
    yield deciding.middle
    yield from corners(deciding, deciding.names, deciding.middle)
    # always the same ones
    for point in np.random.Generator(np.random.Philox(key=[0, 0])).random((_INSIDE, len(deciding))):
        yield deciding.decode(point)


def _with(values: Mapping[str, float | int]) -> str:
    said = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
    return f" with {said}" if said else ""
