"""A scan of the whole space by Sobol points (Sobol 1967, USSR Comput. Math. Math. Phys. 7:86)."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from orchestrator.optimisers.base import Problem
from orchestrator.optimisers.points.design import DrawingOptions, sobol_sequence
from orchestrator.optimisers.points.scan import Scan
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray
from orchestrator.references import SOBOL_1967

# points that are drawn at once, a power of two: the more, the likelier others than before are among whole numbers
_DRAWN = 1024


class SobolOptions(DrawingOptions):
    """Sobol points."""

    method: str = Field("sobol", description="name of the optimiser, or file.py:Class for one of your own")


@optimiser(
    "sobol", options=SobolOptions, packages=("numpy", "scipy"), any_rows=True, proposes=True, references=(SOBOL_1967,)
)
class Sobol(Scan):
    """Scrambled Sobol points, which fill the space more evenly than random ones, the start first.

    Their beginning is as even as the whole: a scan may be ended at any time, best after a power of two of points. They
    are scrambled as Matousek (1998, J. Complexity 14:527) says, by the seed.

    Parameters
    ----------
    options : SobolOptions
        Whether points follow priors.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: SobolOptions, problem: Problem):
        self._options, self._sequence = options, sobol_sequence(problem)
        super().__init__(problem)

    def stop(self) -> str | None:
        """Return that no other points are left, or None."""
        ended, space = super().stop(), self._problem.space
        follows = self._options.priors and space is not None and not all(each.uniform for each in space.parameters)
        return f"no other points are among the next {_DRAWN:,} that follow the priors" if ended and follows else ended

    def _more(self) -> FloatArray:
        return self._options.drawn(self._problem, np.asarray(self._sequence.random(_DRAWN)))
