"""The last part of a budget by another method, which begins with all that the first one was told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from orchestrator.optimisers.base import Asked, Optimiser, Problem, Told
from orchestrator.optimisers.points.evaluated import EvaluatedPoints
from orchestrator.records import FloatArray, Origin

# in the state, whether the second method asks for what comes after a block
_POLISH = "polish"


class Polished:
    """An optimiser that hands over to another one, for good.

    It does so when the block is told with which a share of the budget is used up, or as soon as the first method says
    that there is nothing more to gain. The budget of a continued run may be another one: whether it was handed over
    with a block is in the state that the checkpoint keeps with it, and a replay follows that.

    Parameters
    ----------
    method : Optimiser
        The first one, guarded: it asks for the start.
    polisher : callable
        Given a problem, returns the second one. It is told what is known before it is asked, and of any points.
    problem : Problem
        What is solved; the second method's start is the best point that is known, its sigma how far the best are
        spread around it.
    share : float
        Of the budget.
    """

    def __init__(self, method: Optimiser, polisher: Callable[[Problem], Optimiser], problem: Problem, share: float):
        self._method, self._polisher, self._problem = method, polisher, problem
        # the second one as it would be now: until it is used, only for the names in its state
        self._second = polisher(problem)
        self._polishes = False
        self._after = share * problem.budget if problem.budget else np.inf
        self._blocks: list[Told] = []
        self._told = 0

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points."""
        return (self._second if self._polishes else self._method).ask(recorded, pending)

    def tell(self, told: Told) -> None:
        """Take evaluations, also, when it was handed over, of points that the first method has asked for."""
        due = bool(told.state.get(_POLISH, self._due))
        self._told += len(told.points)
        if self._polishes:
            self._second.tell(told)
            return
        self._blocks.append(told)
        self._method.tell(told)
        if due or self._method.stop():
            self._hand_over()

    def close(self) -> None:
        """Let the first method end what it has begun."""
        if close := getattr(self._method, "close", None):
            close()

    def stop(self) -> str | None:
        """Return why the second method has nothing more to gain, or None."""
        return self._second.stop() if self._polishes else None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return that of both methods, of the present one under names that both have, and ``polish``, 0 or 1."""
        first, second = self._method.state(), self._second.state()
        both = {**first, **second} if self._polishes else {**second, **first}
        return {**both, _POLISH: float(self._due)}

    @property
    def _due(self) -> bool:
        """Whether the second method asks for what comes after the next block."""
        return self._polishes or self._told + self._problem.size >= self._after

    def _hand_over(self) -> None:
        """Begin the second method, if anything is known."""
        known = EvaluatedPoints(self._problem)
        for told in self._blocks:
            known.learn(told)
        if not len(known):
            return
        sigma = float(np.sqrt((known.spread() ** 2).mean()))
        self._second = self._polisher(replace(self._problem, start=known.best()[0], sigma=sigma))
        for told in self._blocks:
            # to the second method no model of its own has proposed them
            self._second.tell(replace(told, origins=(Origin.SAMPLE,) * len(told.points), state={}))
        self._polishes, self._blocks = True, []
