"""What a simulation gets: the searched parameters under all of their names, constants, and expressions of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TypeGuard

from orchestrator.parameters.expressions import Expression, NoNumber, NotAnExpression, Number, Numbers, needs_quotes

# parameters of which all combinations of bounds are looked at
_COMBINED = 6


class WrongParameters(ValueError):
    """Parameters that do not fit together.

    Parameters
    ----------
    problems : list of (str, str)
        The parameter at fault and what is wrong, for each problem.
    """

    def __init__(self, problems: list[tuple[str, str]]):
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(f"{name}: {message}" for name, message in self.problems)


@dataclass(frozen=True)
class Given:
    """How the numbers of a simulation follow from those that are searched.

    Parameters
    ----------
    sources : mapping of str to str
        For each name that a simulation gets, the parameter of the configuration whose value it is.
    searched : tuple of str
        The parameters that are searched.
    constants : mapping of str to float or int
        Those that are always the same.
    expressions : mapping of str to Expression
        Those that are computed, each after those that are in it.
    """

    sources: Mapping[str, str]
    searched: tuple[str, ...]
    constants: Numbers
    expressions: Mapping[str, Expression]

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> Given:
        """Return what the section ``parameters`` of a configuration says.

        Parameters
        ----------
        parameters : mapping of str to object
            By name: a number, ``{expression: text}``, or what is searched, a mapping or list, of which only ``names``
            matters here.

        Raises
        ------
        WrongParameters
            With all expressions that cannot be read, name what is not there, or lead back to themselves, and with
            all names that are given twice.
        """
        problems: list[tuple[str, str]] = []
        constants = {name: spec for name, spec in parameters.items() if _is_number(spec)}
        texts = {name: spec["expression"] for name, spec in parameters.items() if _is_expression(spec)}
        searched = tuple(name for name in parameters if name not in constants and name not in texts)
        sources = _sources(parameters, problems)
        expressions = {}
        for name, text in texts.items():
            try:
                expressions[name] = Expression(str(text))
            except NotAnExpression as error:
                problems.append((name, str(error)))
        known = dict.fromkeys([*parameters, *sources])
        for name, expression in expressions.items():
            problems += [(name, message) for message in _unknown(expression, known)]
        order = _order(expressions, problems)
        if problems:
            raise WrongParameters(problems)
        return cls(sources, searched, constants, {name: expressions[name] for name in order})

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a simulation gets."""
        return tuple(self.sources)

    @property
    def derived(self) -> tuple[str, ...]:
        """The names that a simulation gets and that are not searched under this name."""
        return tuple(name for name in self.sources if name not in self.searched)

    def values(self, searched: Numbers) -> dict[str, Number]:
        """Return what a simulation gets.

        Parameters
        ----------
        searched : mapping of str to float or int
            The searched parameters, in their own units. Further names, such as seeds, are passed on.

        Raises
        ------
        NoNumber
            If an expression has no value, with its name.
        """
        known = self._known(searched)
        for name, expression in self.expressions.items():
            try:
                known[name] = expression.value(known)
            except NoNumber as error:
                raise NoNumber(str(error), name) from error
        return self._named(known, searched)

    def values_or_nan(self, searched: Numbers) -> dict[str, Number]:
        """Return the same, with NaN in the place of what has no value."""
        known = self._known(searched)
        for name, expression in self.expressions.items():
            known[name] = math.nan
            if not any(math.isnan(known[each]) for each in expression.names):
                with contextlib.suppress(NoNumber):
                    known[name] = expression.value(known)
        return self._named(known, searched)

    def _named(self, known: Numbers, searched: Numbers) -> dict[str, Number]:
        further = {name: number for name, number in searched.items() if name not in self.searched}
        return {**{name: known[source] for name, source in self.sources.items()}, **further}

    def _known(self, searched: Numbers) -> dict[str, Number]:
        """Return what is known before anything is computed: searched parameters, under all names, and constants."""
        known = {**searched, **self.constants}
        known.update({name: known[source] for name, source in self.sources.items() if source in self.searched})
        return known

    def searched_in(self, name: str) -> tuple[str, ...]:
        """Return the searched parameters that the expression of a name depends on, in their order."""
        reached, waiting = set(), [name]
        while waiting:
            at = waiting.pop()
            at = self.sources.get(at, at)
            if at not in reached:
                reached.add(at)
                waiting += self.expressions[at].names if at in self.expressions else ()
        return tuple(each for each in self.searched if each in reached)

    def what_is(self, name: str) -> str:
        """Return what a name is, for people; empty if it is not known."""
        if name in self.constants:
            return f"a constant, {self.constants[name]!r}"
        if name in self.expressions:
            return f"the expression {self.expressions[name].text!r}"
        if name in self.searched:
            return "searched"
        return f"one of the names of {self.sources[name]!r}" if name in self.sources else ""


def _is_number(spec: object) -> TypeGuard[Number]:
    """Return whether one of ``parameters`` is a constant."""
    return isinstance(spec, (int, float)) and not isinstance(spec, bool)


def _is_expression(spec: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(spec, Mapping) and "expression" in spec


def _names_of(name: str, spec: object) -> list[str]:
    """Return the names under which a simulation gets a parameter."""
    names = spec.get("names") if isinstance(spec, Mapping) and not _is_expression(spec) else None
    return [name] if names is None else [str(each) for each in names]


def _sources(parameters: Mapping[str, object], problems: list[tuple[str, str]]) -> dict[str, str]:
    sources: dict[str, str] = {}
    for name, spec in parameters.items():
        for each in _names_of(name, spec):
            if each != name and each in parameters:
                problems.append((name, f"{each!r} is a parameter of its own: take it away there, or among names here"))
            elif each in sources:
                problems.append((name, f"a simulation gets {each!r} already from {sources[each]!r}: take one away"))
            sources.setdefault(each, name)
    return sources


def _unknown(expression: Expression, known: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the names in an expression; a name without its quotes is taken for several."""
    unknown = [name for name in expression.names if name not in known]
    in_quotes = [each for each in known if needs_quotes(each) and each in expression.text]
    if unknown and in_quotes:
        return [f"{unknown[0]!r} in its expression is not among parameters; write {in_quotes[0]!r} in quotes"]
    from targets.plugins import nearest  # noqa: PLC0415  (of targets, which take longer to import than all else)

    return [f"{name!r} in its expression is not among parameters{nearest(name, known)}" for name in unknown]


def _order(expressions: Mapping[str, Expression], problems: list[tuple[str, str]]) -> list[str]:
    """Return the expressions, each after those that it needs; adds a cycle, if there is one, to the problems."""
    needs = {name: [each for each in one.names if each in expressions] for name, one in expressions.items()}
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        *_, cycle = error.args
        # graphlib lists what is needed before what needs it
        path = " -> ".join(reversed(cycle))
        problems.append((cycle[-1], f"its expression leads back to itself ({path}): give one of them a number"))
        return []


def corners(ranges: Mapping[str, tuple[Number, Number]], start: Numbers) -> Iterator[Numbers]:
    """Yield the start values with some of the parameters at their bounds: all of them, and one at a time.

    Parameters
    ----------
    ranges : mapping of str to (float, float)
        The bounds of the parameters that are varied; with six of them or fewer, all combinations are yielded.
    start : mapping of str to float or int
        All searched parameters.
    """
    names = list(ranges)
    patterns = range(2 ** len(names)) if len(names) <= _COMBINED else (0, -1)
    for pattern in patterns:
        yield {**start, **{name: ranges[name][pattern >> n & 1] for n, name in enumerate(names)}}
    for name in names:
        for bound in ranges[name]:
            yield {**start, name: bound}


def finite_number(value: object) -> int | float | None:
    """Return a finite number as it is written, None if it is none."""
    try:
        # YAML 1.1 takes 1e-3 for text
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return number if math.isfinite(number) else None
