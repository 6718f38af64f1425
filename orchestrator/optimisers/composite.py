"""Expected improvement of a score that is computed from many outputs (Astudillo & Frazier 2019, arXiv:1906.01537)."""

from __future__ import annotations

from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.batches.improvement import improving
from orchestrator.optimisers.batches.method import Batches, BatchOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.references import ASTUDILLO_2019


class CompositeOptions(BatchOptions):
    """Expected improvement by Gaussian processes of what the targets' values are computed from."""

    method: str = Field("composite", description="name of the optimiser, or file.py:Class for one of your own")


@optimiser(
    "composite",
    options=CompositeOptions,
    packages=("numpy", "scipy"),
    any_rows=True,
    proposes=True,
    references=(ASTUDILLO_2019,),
)
class Composite(Batches):
    """Gaussian processes of what the targets' values are computed from, and the points that improve most by them.

    Parameters
    ----------
    options : CompositeOptions
        Of the models.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: CompositeOptions, problem: Problem):
        super().__init__(options, problem, [improving])
