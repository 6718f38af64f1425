"""Figures of a datastore; each takes what `orchestrator.analysis.open_datastore` returns.

>>> from orchestrator.analysis import figures, open_datastore
>>> data = open_datastore("results/Model_run_____")  # doctest: +SKIP
>>> figures.raster(data).save("raster.pdf")  # doctest: +SKIP

They are of the same kind as those of `orchestrator.report.figures`. If there is nothing to draw, a figure says why.
"""

from orchestrator.analysis.figures.activity import population_rate, raster
from orchestrator.analysis.figures.cells import orientation_scatter
from orchestrator.analysis.figures.conductances import conductances
from orchestrator.analysis.figures.distributions import correlations, irregularity, modulation, rates
from orchestrator.analysis.figures.examples import example_cell
from orchestrator.analysis.figures.scores import scores_by_datastore
from orchestrator.analysis.figures.sizes import size_fits, suppression
from orchestrator.analysis.figures.spread import spontaneous_spread
from orchestrator.analysis.figures.tuning import orientation_tuning, size_tuning

__all__ = [
    "conductances",
    "correlations",
    "example_cell",
    "irregularity",
    "modulation",
    "orientation_scatter",
    "orientation_tuning",
    "population_rate",
    "raster",
    "rates",
    "scores_by_datastore",
    "size_fits",
    "size_tuning",
    "spontaneous_spread",
    "suppression",
]
