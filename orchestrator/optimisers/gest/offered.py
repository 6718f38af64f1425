"""Our methods as a generator of the gest-api standard, for Xopt, Optimas, libEnsemble and others that take such."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gest_api import Generator
from gest_api.vocs import VOCS

from orchestrator.optimisers.base import Problem, Told
from orchestrator.optimisers.batches.method import Batches
from orchestrator.optimisers.gest.vocs import Objectives, number_of, space_of, start_of
from orchestrator.optimisers.guard import Guarded
from orchestrator.optimisers.registry import create_optimiser, optimisers
from orchestrator.records import FloatArray, Origin, Outcome

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Evaluation:
    """A point that was asked for, and its scores once they are there."""

    key: tuple[int, int]
    point: FloatArray
    origin: Origin
    scores: FloatArray | None = None


class OrchestratorGenerator(Generator):  # type: ignore[misc]
    """A method of this program as a generator of the gest-api standard.

    Points have an ``_id``; results may come in any order, and some never. What comes back without ``_id`` is taken for
    the suggestion of the same values. If it is none, it was evaluated elsewhere: before the first suggestion the best
    of it becomes the start, and methods that can learn from it do; later it is left out, with a warning. An objective
    that is None or not finite is a failure, which the method takes for as bad as the worst result so far.

    Several objectives are the targets of a method; one that minimises a single number minimises their sum.

    Parameters
    ----------
    vocs : gest_api.vocs.VOCS
        Continuous variables with finite domains, and discrete ones whose values are numbers; one
        objective or more, minimised or maximised; no constraints. Constants are part of each suggestion.
    method : str
        Name of the optimiser, as in ``optimiser.method``.
    seed : int
        Seed of its random numbers; the same one gives the same suggestions.
    size : int
        Points that the method asks for at once: it learns whenever so many results are there. Give the number that you
        evaluate at once. 0 takes the default of CMA-ES, 4 + 3 ln(number of variables).
    sigma : float
        Initial standard deviation, as a fraction of each domain.
    log : collection of str
        Variables that are searched by their logarithm.
    best : mapping of str to float, optional
        The best value that an objective can have, by default 0. Only methods that model distances from it ask for it:
        composite, gauss_newton and hybrid.
    options : mapping of str to object, optional
        Further keys of the section ``optimiser``.

    Raises
    ------
    ValueError
        If the VOCS is another, the method or an option unknown.
    ImportError
        If the method needs a package that is not installed.
    """

    returns_id = True

    def __init__(
        self,
        vocs: VOCS,
        method: str = "cma",
        *,
        seed: int = 1,
        size: int = 0,
        sigma: float = 0.2,
        log: Collection[str] = (),
        best: Mapping[str, float] | None = None,
        options: Mapping[str, Any] | None = None,
    ):
        super().__init__(vocs)
        self._constants = {name: each.value for name, each in vocs.constants.items()}
        self._space, self._objectives = space_of(vocs, log), Objectives(vocs, best or {})
        kind = optimisers().find(method)
        self._options = kind.options.model_validate({"method": method, **(options or {})})
        self._options._plugin = kind
        if missing := self._options.missing():
            raise ImportError(missing)
        size = size or self._options.default_offspring(len(self._space))
        if size < self._options.least_offspring:
            raise ValueError(f"size: {method} needs at least {self._options.least_offspring} points, got {size}")
        start = start_of(vocs, self._space)
        self._problem = Problem(start, self._space.steps, sigma, size, seed, self._objectives.names, space=self._space)
        self._any_rows, self._models_distances = kind.any_rows, _is_of_batches(kind.create)
        # made with the first suggestion, because what is known before belongs to the problem
        self._optimiser: Guarded | None = None
        self._known: list[_Evaluation] = []
        self._worst = np.full(len(self._objectives.names), np.nan)
        self._asks = self._ids = 0
        # asked for and not suggested yet; suggested and not back; back and not told
        self._stash: list[_Evaluation] = []
        self._open: dict[int, _Evaluation] = {}
        self._landed: list[_Evaluation] = []

    def _validate_vocs(self, vocs: VOCS) -> None:
        """Raise ValueError if the VOCS is none of a method of ours."""
        space_of(vocs)
        Objectives(vocs, {})

    def suggest(self, num_points: int | None = None) -> list[dict[str, Any]]:
        """Return points to evaluate.

        Parameters
        ----------
        num_points : int, optional
            How many; left out, what is left of those that the method has asked for at once.

        Returns
        -------
        list of dict
            Variables, constants and ``_id``.

        Raises
        ------
        ValueError
            If the method waits for results, or has not so many points before it gets some.
        """
        if num_points is not None and num_points < 0:
            raise ValueError(f"expected a number of points, got {num_points}")
        if num_points == 0:
            return []
        self._fill(num_points)
        number = len(self._stash) if num_points is None else num_points
        chosen, self._stash = self._stash[:number], self._stash[number:]
        found = []
        for each in chosen:
            self._open[self._ids] = each
            found.append({**self._space.decode(each.point), **self._constants, "_id": self._ids})
            self._ids += 1
        return found

    def _fill(self, wanted: int | None) -> None:
        """Ask the method until there are as many points as are wanted."""
        if self._any_rows:
            while len(self._stash) < (wanted or 1):
                self._ask()
            return
        method = self._options.method
        if not self._stash:
            if self._open:
                raise ValueError(f"{method} waits for the results of {len(self._open)} points that it has suggested")
            self._ask()
        if wanted is not None and wanted > len(self._stash):
            raise ValueError(
                f"{method} has {len(self._stash)} points before it needs results, not {wanted}: call suggest() without "
                "a number"
            )

    def _ask(self) -> None:
        if self._optimiser is None:
            self._optimiser = create_optimiser(self._options, self._begun())
        pending = [each.point for each in (*self._open.values(), *self._landed, *self._stash)]
        asked = self._optimiser.ask(pending=np.array(pending).reshape(len(pending), len(self._space)))
        rows = enumerate(zip(asked.points, asked.origins, strict=True))
        self._stash += [_Evaluation((self._asks, index), point, origin) for index, (point, origin) in rows]
        self._asks += 1

    def _begun(self) -> Problem:
        """Return the problem with what is known of it."""
        if not self._known:
            return self._problem
        told = self._told(self._known)
        if not told.evaluated:
            return self._problem
        # NaN of what failed
        best = np.nanargmin(told.values.sum(axis=1))
        return replace(self._problem, start=told.points[best], known=told)

    def ingest(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Take results: dicts with variables, objectives and, of what was suggested here, ``_id``.

        Raises
        ------
        ValueError
            If an ``_id`` is unknown or was ingested before; if a variable or an objective is missing or no number.
            Nothing of the results is taken then.
        """
        taken: dict[int, FloatArray] = {}
        foreign: list[_Evaluation] = []
        for result in results:
            scores = self._scores(result)
            if (suggested := self._id_of(result, taken)) is not None:
                taken[suggested] = scores
            else:
                foreign.append(_Evaluation((-1, len(foreign)), self._point(result), Origin.INJECTED, scores))
        for each, scores in taken.items():
            asked = self._open.pop(each)
            self._landed.append(_Evaluation(asked.key, asked.point, asked.origin, scores))
        if self._optimiser is None:
            self._known += foreign
        elif foreign:
            _LOG.warning(
                "%d results that were not suggested here are left out: %s takes such only before its first suggestion",
                *(len(foreign), self._options.method),
            )
        self._tell()

    def _scores(self, result: Mapping[str, Any]) -> FloatArray:
        scores = self._objectives.scores(result)
        if self._models_distances and (scores < 0).any():
            raise ValueError(
                f"{self._options.method} models how far objectives are from the best that they can be, but "
                f"{', '.join(self._objectives.names)} are better: give it with best={{name: value}}"
            )
        return scores

    def _id_of(self, result: Mapping[str, Any], taken: Collection[int]) -> int | None:
        """Return the id of the suggestion that a result is of, None if it is of none."""
        given = result.get("_id")
        # tables have NaN where there is none
        if given is not None and given == given:  # noqa: PLR0124
            if given not in self._open or given in taken:
                raise ValueError(f"_id: {given!r} is not that of a suggestion whose result is missing")
            return int(given)
        for each, asked in self._open.items():
            values = self._space.decode(asked.point)
            if each not in taken and all(result.get(name) == value for name, value in values.items()):
                return each
        return None

    def _point(self, result: Mapping[str, Any]) -> FloatArray:
        if missing := [name for name in self._space.names if name not in result]:
            raise ValueError(f"expected a value of {', '.join(missing)} in each result, got {sorted(result)}")
        values = {each.name: number_of(each.name, result[each.name]) for each in self._space.parameters}
        for each in self._space.parameters:
            if not each.low <= values[each.name] <= each.high:
                bounds = f"[{each.low:g}, {each.high:g}]"
                raise ValueError(f"{each.name}: expected a value inside {bounds}, got {values[each.name]:g}")
            if not each.allows(values[each.name]):
                raise ValueError(f"{each.name}: expected one of {each.choice}, got {values[each.name]:g}")
        return self._space.encode(values)

    def _tell(self) -> None:
        """Tell the method what it takes of what is there."""
        if not self._any_rows:
            if self._landed and not self._open and not self._stash:
                self._tell_block(sorted(self._landed, key=lambda each: each.key))
                self._landed = []
            return
        size = self._problem.size
        while len(self._landed) >= size:
            self._tell_block(self._landed[:size])
            # it was asked for before something was learnt
            self._landed, self._stash = self._landed[size:], []

    def _tell_block(self, block: Sequence[_Evaluation]) -> None:
        if self._optimiser is not None:
            self._optimiser.tell(self._told(block))

    def _told(self, block: Sequence[_Evaluation]) -> Told:
        """Return a block as an optimiser sees it; before anything has worked, failures are told as not evaluated."""
        shape = (len(block), len(self._objectives.names))
        values = np.array([each.scores for each in block], dtype=float).reshape(shape)
        failed = np.isnan(values).any(axis=1)
        self._worst = np.fmax.reduce([self._worst, *values])
        return Told(
            points=np.array([each.point for each in block]).reshape(len(block), len(self._space)),
            values=values,
            scores=np.where(failed[:, None], self._worst, values),
            outcomes=[Outcome.SIMULATION_ERROR if each else Outcome.OK for each in failed],
            origins=[each.origin for each in block],
            ids=[each.key for each in block],
        )

    def finalize(self) -> None:
        """Tell the method what is left, and let it end what it has begun."""
        if self._any_rows and self._landed:
            self._tell_block(self._landed)
            self._landed = []
        if self._optimiser is not None:
            self._optimiser.close()


def _is_of_batches(method: object) -> bool:
    """Return whether a method models distances from the best values, so that none may be below 0."""
    return isinstance(method, type) and issubclass(method, Batches)
