"""Gauss-Newton steps in batches, with slopes by regression (Cartis & Roberts 2019, Math. Prog. Comp. 11:631)."""

from __future__ import annotations

from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.batches.method import Batches, BatchOptions
from orchestrator.optimisers.batches.steps import stepping
from orchestrator.optimisers.registry import optimiser
from orchestrator.references import CARTIS_2019


class GaussNewtonOptions(BatchOptions):
    """Gauss-Newton steps with slopes by regression."""

    method: str = Field("gauss_newton", description="name of the optimiser, or file.py:Class for one of your own")


@optimiser(
    "gauss_newton",
    options=GaussNewtonOptions,
    packages=("numpy", "scipy"),
    any_rows=True,
    proposes=True,
    references=(CARTIS_2019,),
)
class GaussNewton(Batches):
    """Gauss-Newton steps of several lengths around the best point, with slopes by regression of the evaluations.

    Parameters
    ----------
    options : GaussNewtonOptions
        Of the models.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: GaussNewtonOptions, problem: Problem):
        super().__init__(options, problem, [stepping])
