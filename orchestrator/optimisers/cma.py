"""Covariance matrix adaptation (Hansen 2016, arXiv:1604.00772) through the package cma."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from orchestrator.config.section import CIRCUMSTANCE
from orchestrator.optimisers.base import Asked, Problem, Told
from orchestrator.optimisers.models.trust import Trust
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.optimisers.weighting import ReweighAfter, Weighting, WeightingName
from orchestrator.records import FloatArray, Origin
from orchestrator.references import ASTUDILLO_2019, HANSEN_2016, Cited

if TYPE_CHECKING:
    from orchestrator.optimisers.models.proposer import Proposer

# A standard deviation of a fifth of a step still samples the neighbouring integers.
_SIGMA_PER_STEP = 0.2
# it ranks them, and pycma takes no fewer
_LEAST = 3
# of a search that begins anew at the best point so far
_SIGMA_OF_A_RESTART = 0.1


class CMAOptions(OptimiserOptions):
    """CMA-ES, which adapts the covariance of its search distribution."""

    least_offspring: ClassVar[int] = _LEAST
    # so was every run before there was this key
    before: ClassVar[Mapping[str, object]] = {"model": "none"}

    method: str = Field("cma", description="name of the optimiser, or file.py:Class for one of your own")
    model: Literal["targets", "none"] = Field(
        "targets",
        description="targets: a model of every target's value proposes a part of each generation; runs of earlier "
        "versions have none",
        json_schema_extra=CIRCUMSTANCE,
    )
    proposals: Annotated[int, Field(ge=0)] | Literal["auto"] = Field(
        "auto",
        description="points of each generation that the model proposes; auto: as many as have been worth it",
        json_schema_extra=CIRCUMSTANCE,
    )
    model_points: int = Field(
        500,
        ge=20,
        description="evaluations that the model uses at most, the nearest to the best",
        json_schema_extra=CIRCUMSTANCE,
    )
    learn_from: tuple[Path, ...] = Field(
        (),
        description="directories of other runs, relative to model_dir, whose evaluations the model learns from as well",
    )
    weighting: WeightingName = "sum"
    reweigh_after: ReweighAfter = 10.0

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks: the first distribution has it."""
        return True

    @property
    def parts(self) -> Sequence[Cited]:
        """The model that proposes points, if there is one."""
        model = Cited("Gaussian processes of the targets' values", (ASTUDILLO_2019,))
        return (model,) if self.model == "targets" else ()

    @field_validator("weighting")
    @classmethod
    def _of_samples(cls, value: WeightingName, info: ValidationInfo) -> WeightingName:
        if value != "sum" and info.data.get("model") == "targets":
            raise ValueError(
                f"the model proposes points by the sum of the scores: with {value}, set model: none as well"
            )
        return value

    @field_validator("learn_from")
    @classmethod
    def _for_a_model(cls, value: tuple[Path, ...], info: ValidationInfo) -> tuple[Path, ...]:
        if value and info.data.get("model") == "none":
            raise ValueError("only a model learns from other runs: set model: targets as well")
        return value


@optimiser(
    "cma", options=CMAOptions, packages=("cma", "numpy"), any_rows=True, proposes=True, references=(HANSEN_2016,)
)
class CMA:
    """CMA-ES on the sum of the scores, or a weighted one; pycma's own transformation bounds it to the unit cube.

    It takes any rows: the distribution is updated by whatever was told, from whichever ask it is. Every ask draws as
    many samples, so that those of the next one do not depend on how many points the model proposed.

    Parameters
    ----------
    options : CMAOptions
        Whether a model proposes points.
    problem : Problem
        At least 3 offspring; the start is the initial mean.
    """

    def __init__(self, options: CMAOptions, problem: Problem):
        # pycma otherwise draws from numpy's global generator, which any other code may move
        self._generator = np.random.RandomState(problem.seed)
        self._problem = problem
        learns = options.model == "targets" and bool(problem.scales)
        self._proposer = _proposer(problem, options.model_points) if learns else None
        # a run may have proposals in its record that was continued without the model
        self._trust = Trust(problem.size, None if options.proposals == "auto" else options.proposals)
        self._strategy = self._begun(problem.start, problem.sigma)
        self._asks = 0
        # what pycma has made of points that are no samples: near a face of the cube it moves them inside
        self._moved: dict[bytes, FloatArray] = {}
        # pycma takes one tell for each ask
        self._asked_since = False
        # what is known of the present distribution and was too little to learn from: points, and their scores
        self._points: list[FloatArray] = []
        self._scores: list[FloatArray] = []
        self._weighting = Weighting(options.weighting, len(problem.targets), options.reweigh_after)

    def _begun(self, start: FloatArray, sigma: float) -> Any:
        """Return a strategy that begins at a point."""
        cma = _pycma()
        problem = self._problem
        settings = {
            "bounds": [0, 1],
            "popsize": problem.size,
            "randn": self._generator.randn,
            "seed": None,
            "minstd": list(_SIGMA_PER_STEP * problem.steps),
            "verbose": -9,
            "verb_log": 0,
            "signals_filename": None,
            # a generation in which everything exploded has equal scores; that is no reason to end
            "tolflatfitness": math.inf,
            "tolstagnation": math.inf,
            "tolxstagnation": False,
            "tolfun": 0,
            "tolfunhist": 0,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strategy = cma.CMAEvolutionStrategy(start, sigma, settings)
        # the option CMA_sampler would leave out pycma's preparation of negative weights
        strategy.sm.__class__ = _symmetric_sampler()
        return strategy

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points: proposals, and samples."""
        self._asks += 1
        proposed, size = self._proposals(recorded, pending), self._problem.size
        if self._asks == 1:
            given = np.vstack([self._problem.start, proposed])
            origins = (Origin.START, *_mixed(len(proposed), size - 1))
        else:
            given, origins = proposed, _mixed(len(proposed), size)
        samples = self._drawn(given, size + len(proposed))
        origins = origins if recorded is None else recorded.origins
        of_given, of_samples = iter(given), iter(samples)
        points = [next(of_samples if origin is Origin.SAMPLE else of_given) for origin in origins]
        return Asked(np.array(points), origins)

    def _proposals(self, recorded: Asked | None, pending: FloatArray | None) -> FloatArray:
        """Return the points that the model proposes, in a replay what was proposed."""
        if self._proposer is not None and self._trust.proposals:
            own = self._distribution()
            self._proposer.look(np.asarray(own["mean"]), np.asarray(own["covariance"]), self._asks, pending)
        if recorded is not None:
            return recorded.points[[origin not in (Origin.START, Origin.SAMPLE) for origin in recorded.origins]]
        if self._proposer is not None:
            return self._proposer.proposals(self._trust.proposals)
        return np.empty((0, len(self._problem.start)))

    def _drawn(self, given: FloatArray, number: int) -> list[FloatArray]:
        """Return samples, so many without the given points, from which the distribution learns as from samples."""
        if len(given):
            self._strategy.inject(list(given), force=True)
        # of small populations, mirrors of the worst of the last one come first
        first = len(self._strategy.pop_injection_directions)
        asked = self._strategy.ask(number)
        self._asked_since = True
        last = first + len(given)
        self._moved |= {point.tobytes(): moved for point, moved in zip(given, asked[first:last], strict=True)}
        return [*asked[:first], *asked[last:]]

    def tell(self, told: Told) -> None:
        """Update the distribution with the total of each offspring that was evaluated.

        The mean is that of the best half of a generation: if fewer were evaluated, they are told together with the next
        ones.
        """
        rows = [self._moved.pop(point.tobytes(), point) for point in told.points]
        self._points += [rows[n] for n in told.evaluated]
        self._scores += [told.scores[n] for n in told.evaluated]
        self._weighting.learn(told)
        if len(self._points) >= max(self._strategy.sp.weights.mu, _LEAST):
            if not self._asked_since:
                self._strategy.ask()
            with warnings.catch_warnings():
                # of another number than usual
                warnings.simplefilter("ignore")
                self._strategy.tell(self._points, self._weighting.totals(np.array(self._scores)).tolist())
            self._points, self._scores, self._asked_since = [], [], False
        noise = self._noise(told)
        if self._proposer is not None:
            self._proposer.learn(told)
        if self._trust.learn(told, noise):
            self._strategy = self._begun(self._trust.best, _SIGMA_OF_A_RESTART)
            self._points, self._scores, self._asked_since = [], [], False

    def _noise(self, told: Told) -> float:
        """Return the standard deviation of the total score of one point, as it was known before a block was told."""
        if "model_noise" in told.state:  # of a replay, for which the model is not fitted again
            noise = told.state["model_noise"]
        else:
            noise = self._proposer.noise if self._proposer is not None else 0.0
        return float(np.sqrt(np.nansum(np.square(noise))))

    def stop(self) -> str | None:
        """Return pycma's reasons to stop, such as a step size that is below rounding, or None."""
        reasons = self._strategy.stop()
        return ", ".join(f"{name}={value}" for name, value in sorted(reasons.items())) or None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return ``mean`` (n_parameters,), ``sigma`` and ``covariance`` (n_parameters, n_parameters).

        The mean is in the unit cube; the covariance is that of the sampling distribution,
        sigma^2 C, in the coordinates before pycma's boundary transformation. With the model also
        ``model_proposals``, ``model_win``, ``model_stalls``, and the state of the proposer; with weights that are
        adapted ``weights`` (n_targets,).
        """
        own = {**self._distribution(), **self._weighting.state()}
        if self._proposer is None:
            return own
        return {**own, **self._trust.state(), **self._proposer.state()}

    def _distribution(self) -> dict[str, FloatArray | float]:
        es = self._strategy
        mean = np.asarray(es.gp.pheno(es.mean, into_bounds=es.boundary_handler.repair))
        scale = np.asarray(es.sigma_vec * np.ones(len(mean)))
        covariance = es.sigma**2 * np.outer(scale, scale) * np.asarray(es.C)
        return {"mean": mean, "sigma": float(es.sigma), "covariance": covariance}


def _mixed(given: int, size: int) -> tuple[Origin, ...]:
    """Return the order of so many proposals and the samples beside them, evenly mixed, a proposal first."""
    places = {math.floor(n * size / given) for n in range(given)}
    return tuple(Origin.MODEL if n in places else Origin.SAMPLE for n in range(size))


def _proposer(problem: Problem, most: int) -> Proposer:
    from orchestrator.optimisers.models.proposer import Proposer  # noqa: PLC0415  (scipy takes long to import)

    return Proposer(problem, most)


def _pycma() -> Any:
    """Return the package cma, which takes a third of a second to import."""
    with warnings.catch_warnings():
        # it warns at import that it cannot plot if matplotlib is not installed
        warnings.simplefilter("ignore")
        import cma  # noqa: PLC0415
    return cma


@cache
def _symmetric_sampler() -> type:
    """Return a sampler with the symmetric root of C, B D B^T z, instead of B D z; the distribution is the same.

    The signs of the eigenvectors in B are arbitrary and differ between processors: with B D z a run that is continued
    on another one would ask for other points altogether.
    """

    class SymmetricSampler(_pycma().sampler.GaussFullSampler):  # type: ignore[misc]
        def sample(self, number: int, lazy_update_gap: float | None = None, same_length: object = False) -> FloatArray:
            if same_length:
                raise ValueError("samples of equal length are not supported")
            self.update_now(lazy_update_gap)
            z = self.randn(number, self.dimension)
            return np.asarray(z @ (self.B * self.D) @ self.B.T)

    return SymmetricSampler
