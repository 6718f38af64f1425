"""A generator of somebody else's, made for a problem of ours; whatever it raises is one error that names it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from orchestrator.errors import RunFailed
from orchestrator.optimisers.base import TOLERANCE, Problem
from orchestrator.records import FloatArray

if TYPE_CHECKING:
    from gest_api.vocs import VOCS

TOTAL = "total_score"
# what the class is called in messages
_WHAT = "class with suggest and ingest, as gest-api has it"
# of what is suggested, in messages
_LONGEST = 200


class GeneratorFailed(RunFailed):
    """A generator cannot be made, raised an error, or suggested what is no point."""


class UsedGenerator:
    """A generator, made of its class with the VOCS of a problem.

    Variables have the names of the parameters and the domain [0, 1], where a parameter's bounds are on its scale; the
    start is their default value. The objectives are minimised.

    Parameters
    ----------
    reference : str
        ``module:Class``, or ``file.py:Class`` of the problem's directory.
    arguments : mapping of str to object
        Of its constructor, besides ``vocs``; ``seed`` is the problem's if the constructor has one and this has none.
    problem : Problem
        What is to be solved.
    objectives : sequence of str
        Their names.

    Raises
    ------
    GeneratorFailed
        If it cannot be imported or made.
    """

    def __init__(self, reference: str, arguments: Mapping[str, Any], problem: Problem, objectives: Sequence[str]):
        from targets.plugins import PluginError, import_named  # noqa: PLC0415  (takes longer to import than optimisers)

        self._reference = reference
        self.names = names_of(problem)
        if twice := sorted(set(self.names) & set(objectives)):
            message = f"{', '.join(twice)} is the name of a parameter and of an objective: give the target another name"
            raise GeneratorFailed(message)
        try:
            found = import_named(reference, _WHAT, problem.directory)
        except PluginError as error:
            raise GeneratorFailed(str(error)) from error
        if not all(callable(getattr(found, name, None)) for name in ("suggest", "ingest")):
            raise GeneratorFailed(f"{reference!r} must be a {_WHAT}: it is {found!r}")
        self._generator = self._made(found, vocs_of(problem, self.names, objectives), arguments, problem.seed)

    def _made(self, found: Any, vocs: VOCS, arguments: Mapping[str, Any], seed: int) -> Any:
        with self._saying(f"cannot be made with {dict(arguments)}"):
            takes = inspect.signature(found).parameters
            own = {"seed": seed} if "seed" in takes and "seed" not in arguments else {}
            # the standard says that it comes first, not what it is called; some take it by name only
            if "vocs" in takes:
                return found(vocs=vocs, **own, **arguments)
            return found(vocs, **own, **arguments)

    def suggest(self, number: int) -> list[dict[str, Any]]:
        """Return suggestions, as many as wanted, or as the generator gives if it cannot give so many."""
        hint = "if it needs evaluations before it can suggest anything, set optimiser.initial to their number"
        with self._saying(f"suggest({number}) failed; {hint}"):
            try:
                found = self._generator.suggest(number)
            except ValueError:  # by the standard: it cannot give so many
                found = self._generator.suggest(None)
        if not isinstance(found, Sequence) or not all(isinstance(each, Mapping) for each in found):
            raise self._failed(f"suggest({number}) must return a list of dicts, got {_short(found)}")
        if not found:
            raise self._failed(f"suggest({number}) has nothing more to suggest")
        return [dict(each) for each in found]

    def point(self, suggestion: Mapping[str, Any]) -> FloatArray:
        """Return the point of the cube that a suggestion is, shape (n_parameters,)."""
        if missing := [name for name in self.names if name not in suggestion]:
            raise self._failed(f"a suggestion has no value of {', '.join(missing)}: {_short(suggestion)}")
        found = np.array([_number(suggestion[name]) for name in self.names])
        if wrong := [name for name, x in zip(self.names, found, strict=True) if not -TOLERANCE <= x <= 1 + TOLERANCE]:
            shown = f"{wrong[0]} = {suggestion[wrong[0]]!r}"
            raise self._failed(f"a suggestion must be a number from 0 to 1 for each variable, got {shown}")
        inside: FloatArray = np.clip(found, 0.0, 1.0)
        return inside

    def ingest(self, results: list[dict[str, Any]]) -> None:
        """Give it results."""
        with self._saying("ingest failed"):
            self._generator.ingest(results)

    def finalize(self) -> None:
        """Let it end what it has begun."""
        finalize = getattr(self._generator, "finalize", None)
        if finalize is not None:
            with self._saying("finalize failed"):
                finalize()

    @contextmanager
    def _saying(self, what: str) -> Iterator[None]:
        """Make one error of whatever the class raises, which may be anything."""
        try:
            yield
        except (Exception, SystemExit) as error:
            raise self._failed(what, error) from error

    def _failed(self, what: str, error: BaseException | None = None) -> GeneratorFailed:
        from targets.plugins import said  # noqa: PLC0415  (takes longer to import than optimisers)

        return GeneratorFailed(f"{self._reference}: {what}{f': {said(error)}' if error is not None else ''}")


def names_of(problem: Problem) -> tuple[str, ...]:
    """Return what the dimensions of a problem are called."""
    if problem.space is not None:
        return problem.space.names
    return tuple(f"x{n}" for n in range(len(problem.start)))


def vocs_of(problem: Problem, names: Sequence[str], objectives: Sequence[str]) -> VOCS:
    """Return variables and objectives of a problem as the standard describes them.

    Parameters
    ----------
    problem : Problem
        Whose start is the default.
    names : sequence of str, length n_parameters
        Of the variables; each has the domain [0, 1].
    objectives : sequence of str
        What is minimised.
    """
    from gest_api.vocs import VOCS, ContinuousVariable  # noqa: PLC0415  (optional)

    variables = {
        name: ContinuousVariable(domain=[0.0, 1.0], default_value=float(start))
        for name, start in zip(names, problem.start, strict=True)
    }
    return VOCS(variables=variables, objectives=dict.fromkeys(objectives, "MINIMIZE"))


def _number(value: Any) -> float:
    """Return what may be a number of numpy, or an array of one; NaN if it is none."""
    try:
        return float(np.asarray(value, dtype=float).item())
    except (TypeError, ValueError):
        return math.nan


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
