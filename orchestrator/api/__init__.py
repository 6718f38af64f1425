"""Optimisations from a script or a notebook: `optimise`, and `Run`, which looks at what one has found.

`orchestrator` exports them. They do what the commands do, by the same code, and leave the same run directory.
"""

from orchestrator.api.optimising import optimise
from orchestrator.api.run import Figures, Run

__all__ = ["Figures", "Run", "optimise"]
