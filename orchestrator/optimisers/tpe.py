"""Tree-structured Parzen estimators (Bergstra et al. 2011, NeurIPS 24) through the package optuna."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from orchestrator.errors import UsageError
from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.options import missing_extra
from orchestrator.optimisers.points.design import DesignOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray, Origin
from orchestrator.references import BERGSTRA_2011

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

# evaluations before the first proposal, as optuna's own default
_INITIAL = 10


class TPEOptions(DesignOptions):
    """Parzen estimators of where evaluations are good and where they are not."""

    method: str = Field("tpe", description="name of the optimiser, or file.py:Class for one of your own")
    initial: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto",
        description="evaluations, the start and points from the whole space, before the first proposal; auto: those "
        "of a generation, at least 10",
    )
    priors: bool = Field(
        True,
        description="whether points from the whole space, and the estimators, follow the priors of the parameters, if "
        "these have any; in runs of earlier versions they do not",
    )
    candidates: int = Field(24, ge=1, description="points of which each proposal is the most promising")
    multivariate: bool = Field(
        True, description="whether the estimators know that parameters depend on each other; else each is on its own"
    )

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks: never, it begins in the whole space."""
        return False

    def missing(self) -> str | None:
        """Return that optuna is not installed."""
        return missing_extra(f"the optimiser {self.method}", "optuna", "optuna")


@optimiser(
    "tpe", options=TPEOptions, packages=("numpy", "optuna"), any_rows=True, proposes=True, references=(BERGSTRA_2011,)
)
class TPE:
    """Tree-structured Parzen estimators by optuna: proposals where good evaluations are dense and others are not.

    The objective is the sum of the scores. Proposals of one generation, and what is being evaluated, are kept apart by
    optuna's constant liar. What optuna proposes is the best of several candidates by a model, so that a replay takes
    it from the record; it depends on the seed, on the number of the ask, and on what was told. What failed is told as
    bad as its scores are; what was not evaluated is not told.

    Parameters
    ----------
    options : TPEOptions
        Of the estimators.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: TPEOptions, problem: Problem):
        if missing := options.missing():
            raise UsageError(missing)
        self._options, self._problem = options, problem
        self._initial = max(problem.size, _INITIAL) if options.initial == "auto" else options.initial
        # whole generations, because nothing is proposed before the end of one
        designed = math.ceil(self._initial / problem.size) * problem.size
        self._design = problem.start[None] if options.design == "own" else options.first_points(problem, designed)
        self._dimensions = [_dimension(problem, n, priors=options.priors) for n in range(len(problem.start))]
        self._distributions = {each.name: each.distribution for each in self._dimensions}
        self._trials: list[FrozenTrial] = []
        self._asks = 0
        if problem.known is not None:
            self._add(problem.known)

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points: of the whole space until enough is known, then proposals."""
        self._asks += 1
        samples = self._samples()
        if recorded is not None:
            return recorded.redrawn(samples)
        begins = self._asks == 1
        drawn = len(samples) if not self._trials or len(self._trials) + begins < self._initial else int(begins)
        others = samples[:0] if pending is None else pending
        proposed = self._proposed(len(samples) - drawn, np.vstack([others, samples[:drawn]]))
        origins = [Origin.START if begins else Origin.SAMPLE, *[Origin.SAMPLE] * (drawn - 1)][:drawn]
        return Asked(np.vstack([samples[:drawn], proposed]), (*origins, *[Origin.MODEL] * len(proposed)))

    def tell(self, told: Told) -> None:
        """Take evaluations, of which there may be any number."""
        self._add(told)

    def stop(self) -> str | None:
        """Return None: nobody knows that there is nothing more to gain."""
        return None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return nothing: proposals follow from what is told."""
        return {}

    def _samples(self) -> FloatArray:
        """Return as many points as are asked for, of the design and, after its end, of the whole space."""
        size = self._problem.size
        shares = self._problem.generator(self._asks).random((size, len(self._problem.start)))
        design = self._design[(self._asks - 1) * size : self._asks * size]
        return np.vstack([design, self._options.drawn(self._problem, shares)[len(design) :]])

    def _add(self, told: Told) -> None:
        totals = told.totals
        self._trials += [self._trial(told.points[row], float(totals[row])) for row in told.evaluated]

    def _trial(self, point: FloatArray, value: float | None = None) -> FrozenTrial:
        """Return what optuna knows of a point: with its value, or that it is being evaluated."""
        from optuna.trial import TrialState, create_trial  # noqa: PLC0415  (optional, and takes a second to import)

        values = {each.name: each.value(float(x)) for each, x in zip(self._dimensions, point, strict=True)}
        state = TrialState.RUNNING if value is None else TrialState.COMPLETE
        return create_trial(state=state, value=value, params=values, distributions=self._distributions)

    def _proposed(self, number: int, pending: FloatArray) -> FloatArray:
        """Return so many proposals of a new study: in one that goes on, what is never evaluated would stay for ever."""
        if not number:
            return np.empty((0, len(self._dimensions)))
        study = self._study()
        study.add_trials([*self._trials, *(self._trial(point) for point in pending)])
        asked = [study.ask(self._distributions).params for _ in range(number)]
        return np.array([[each.coordinate(values[each.name]) for each in self._dimensions] for values in asked])

    def _study(self) -> optuna.Study:
        import optuna  # noqa: PLC0415  (optional, and takes a second to import)

        # above the numbers of the asks, whose generators draw the samples
        seed = int(self._problem.generator(2**32 + self._asks).integers(2**32))
        with quiet_optuna():
            sampler = optuna.samplers.TPESampler(
                seed=seed,
                n_startup_trials=0,
                n_ei_candidates=self._options.candidates,
                multivariate=self._options.multivariate,
                constant_liar=True,
            )
            return optuna.create_study(sampler=sampler)


@contextlib.contextmanager
def quiet_optuna() -> Iterator[None]:
    """Let optuna say neither what it does nor which of its functions some versions call experimental."""
    import optuna  # noqa: PLC0415  (optional, and takes a second to import)

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(level)


@dataclass(frozen=True)
class _Dimension:
    """A parameter as optuna sees it, in which what is believed of it is uniform.

    Parameters
    ----------
    name : str
        What it is called there.
    distribution : optuna.distributions.BaseDistribution
        What it may be there.
    value : callable
        Returns what optuna is told of a place in the cube.
    coordinate : callable
        Returns the place in the cube of what optuna asks for.
    """

    name: str
    distribution: BaseDistribution
    value: Callable[[float], float | int]
    coordinate: Callable[[float], float]


def _dimension(problem: Problem, index: int, *, priors: bool) -> _Dimension:
    """Return a parameter for optuna, which knows no priors: one that has any is seen by the share of it that is below.

    Whole numbers are seen in their own unit, values of a choice by their number, others by their place in the cube,
    and so are whole numbers whose bounds other parameters decide: optuna has one range for each parameter.
    """
    from optuna.distributions import FloatDistribution, IntDistribution  # noqa: PLC0415  (optional)

    if problem.space is None:
        return _Dimension(str(index), FloatDistribution(0.0, 1.0), float, float)
    parameter = problem.space.parameters[index]
    name, choice = parameter.name, parameter.choice
    if priors and not parameter.uniform:
        return _Dimension(
            name,
            FloatDistribution(0.0, 1.0),
            lambda coordinate: parameter.prior_share(parameter.snapped(coordinate)),
            lambda share: parameter.snapped(parameter.prior_quantile(share)),
        )
    if choice is not None:
        numbers = IntDistribution(0, len(choice.values) - 1)
        return _Dimension(name, numbers, choice.number, lambda number: (number + 0.5) * choice.step)
    if parameter.integer and parameter.moving is None:
        whole = IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
        return _Dimension(name, whole, parameter.decode, parameter.encode)
    return _Dimension(name, FloatDistribution(0.0, 1.0), float, float)
