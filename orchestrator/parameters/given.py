"""What a simulation gets: the searched parameters under all of their names, constants, and expressions of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeGuard

from orchestrator.parameters.expressions import Expression, NoNumber, NotAnExpression, Number, Numbers, needs_quotes


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
    bounds : mapping of str to (Expression, Expression)
        The bounds of those that are searched and whose bounds follow from other parameters.
    """

    sources: Mapping[str, str]
    searched: tuple[str, ...]
    constants: Numbers
    expressions: Mapping[str, Expression]
    bounds: Mapping[str, tuple[Expression, Expression]]

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> Given:
        """Return what the section ``parameters`` of a configuration says.

        Parameters
        ----------
        parameters : mapping of str to object
            By name: a number, ``{expression: text}``, or what is searched, a mapping or list, of which only ``names``
            and bounds that are texts matter here.

        Raises
        ------
        WrongParameters
            With all expressions that cannot be read, name what is not there, or lead back to themselves, and with
            all names that are given twice.
        """
        problems: list[tuple[str, str]] = []
        constants = {name: spec for name, spec in parameters.items() if _is_number(spec)}
        texts = {name: str(spec["expression"]) for name, spec in parameters.items() if _is_expression(spec)}
        searched = tuple(name for name in parameters if name not in constants and name not in texts)
        sources = _sources(parameters, problems)
        read = {name: _read(name, [text], problems) for name, text in texts.items()}
        ends = {name: _read(name, both, problems) for name, spec in parameters.items() if (both := _texts_of(spec))}
        known = dict.fromkeys([*parameters, *sources])
        for name, parts in {**read, **ends}.items():
            where = "expression" if name in read else "bounds"
            problems += [(name, message) for part in parts for message in _unknown(part, where, known)]
        order = _order(read, ends, sources, problems)
        if problems:
            raise WrongParameters(problems)
        expressions = {name: read[name][0] for name in order if name in read}
        bounds = {name: (ends[name][0], ends[name][1]) for name in order if name in ends}
        return cls(sources, searched, constants, expressions, bounds)

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

    def value(self, expression: Expression, searched: Numbers) -> Number:
        """Return the value of an expression of parameters.

        Parameters
        ----------
        expression : Expression
            Of names that are known.
        searched : mapping of str to float or int
            The searched parameters that it depends on, in their own units.

        Raises
        ------
        NoNumber
            If it has none, or one that it is computed from has none.
        """
        known = {**searched, **self.constants}

        def number(name: str) -> Number:
            source = self.sources.get(name, name)
            if source not in known:
                known[source] = computed(self.expressions[source])
            return known[source]

        def computed(one: Expression) -> Number:
            return one.value({name: number(name) for name in one.names})

        return computed(expression)

    def searched_in(self, *names: str) -> tuple[str, ...]:
        """Return the searched parameters that what has these names depends on, by its bounds too, in their order."""
        reached, waiting = set(), [*names]
        while waiting:
            at = waiting.pop()
            at = self.sources.get(at, at)
            if at not in reached:
                reached.add(at)
                parts = (self.expressions[at],) if at in self.expressions else self.bounds.get(at, ())
                waiting += [name for part in parts for name in part.names]
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


def _texts_of(spec: object) -> list[str]:
    """Return both bounds of what is searched as texts, if one of them is; nothing otherwise."""
    bounds: Any = spec.get("bounds") if isinstance(spec, Mapping) else spec
    if not isinstance(bounds, list | tuple) or len(bounds) != 2 or not any(isinstance(each, str) for each in bounds):
        return []
    return [each if isinstance(each, str) else repr(each) for each in bounds]


def _read(name: str, texts: list[str], problems: list[tuple[str, str]]) -> list[Expression]:
    """Return the expressions; none, and a problem more, if one of them cannot be read."""
    try:
        return [Expression(text) for text in texts]
    except NotAnExpression as error:
        problems.append((name, str(error)))
        return []


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


def _unknown(expression: Expression, where: str, known: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the names in an expression; a name without its quotes is taken for several."""
    unknown = [name for name in expression.names if name not in known]
    in_quotes = [each for each in known if needs_quotes(each) and each in expression.text]
    if unknown and in_quotes:
        return [f"{unknown[0]!r} in its {where} is not among parameters; write {in_quotes[0]!r} in quotes"]
    from targets.plugins import nearest  # noqa: PLC0415  (of targets, which take longer to import than all else)

    return [f"{name!r} in its {where} is not among parameters{nearest(name, known)}" for name in unknown]


def _order(
    expressions: Mapping[str, list[Expression]],
    bounds: Mapping[str, list[Expression]],
    sources: Mapping[str, str],
    problems: list[tuple[str, str]],
) -> list[str]:
    """Return what follows from others, each after what it needs; adds a cycle, if there is one, to the problems."""
    follow = {**expressions, **bounds}
    names = {name: [sources.get(each, each) for part in parts for each in part.names] for name, parts in follow.items()}
    needs = {name: [each for each in needed if each in follow] for name, needed in names.items()}
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        *_, cycle = error.args
        # graphlib lists what is needed before what needs it
        path = " -> ".join(reversed(cycle))
        leads = "its expression leads" if cycle[-1] in expressions else "its bounds lead"
        problems.append((cycle[-1], f"{leads} back to itself ({path}): give one of them a number"))
        return []


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
