"""Figures of a datastore; each takes what `orchestrator.inspection.open_datastore` returns.

>>> from orchestrator.inspection import figures, open_datastore
>>> data = open_datastore("results/Model_run_____")  # doctest: +SKIP
>>> figures.raster(data).save("raster.pdf")  # doctest: +SKIP

They are of the same kind as those of `orchestrator.report.figures`. Where there is nothing to draw, a figure says why.
"""

from orchestrator.inspection.figures.activity import population_rate, raster
from orchestrator.inspection.figures.conductances import conductances
from orchestrator.inspection.figures.distributions import correlations, irregularity, modulation, rates
from orchestrator.inspection.figures.scores import scores_by_datastore
from orchestrator.inspection.figures.tuning import orientation_tuning, size_tuning

__all__ = [
    "conductances",
    "correlations",
    "irregularity",
    "modulation",
    "orientation_tuning",
    "population_rate",
    "raster",
    "rates",
    "scores_by_datastore",
    "size_tuning",
]
