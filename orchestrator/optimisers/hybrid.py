"""Half of each batch by Gauss-Newton steps, half by expected improvement."""

from __future__ import annotations

from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.batches.improvement import improving
from orchestrator.optimisers.batches.method import Batches, BatchOptions
from orchestrator.optimisers.batches.steps import stepping
from orchestrator.optimisers.registry import optimiser
from orchestrator.references import ASTUDILLO_2019, CARTIS_2019


class HybridOptions(BatchOptions):
    """Gauss-Newton steps and expected improvement."""

    method: str = Field("hybrid", description="name of the optimiser, or file.py:Class for one of your own")


@optimiser(
    "hybrid",
    options=HybridOptions,
    packages=("numpy", "scipy"),
    any_rows=True,
    proposes=True,
    references=(CARTIS_2019, ASTUDILLO_2019),
)
class Hybrid(Batches):
    """Half of each batch by `gauss_newton`, the other half by `composite`, which knows of the first.

    Parameters
    ----------
    options : HybridOptions
        Of the models.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: HybridOptions, problem: Problem):
        super().__init__(options, problem, [stepping, improving])
