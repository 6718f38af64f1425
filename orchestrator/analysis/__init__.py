"""Looking into datastores and runs by hand: what the notebooks stand on.

>>> from orchestrator.analysis import figures, open_datastore, show
>>> data = open_datastore("results/Model_run_____")  # doctest: +SKIP
>>> show(figures.raster(data))  # doctest: +SKIP
"""

from orchestrator.analysis import figures, runs
from orchestrator.analysis.contents import (
    files_table,
    found_table,
    presentations_table,
    sheets_table,
    unsaved_table,
)
from orchestrator.analysis.definitions import SPONTANEOUS, VISUAL, values_by_sheet
from orchestrator.analysis.finding import FoundSimulation, choose_simulation, find_simulations
from orchestrator.analysis.opened import Inspected, open_datastore
from orchestrator.analysis.scores import (
    config_of,
    failing_table,
    memory_table,
    score_all,
    scores_table,
    values_table,
    wanted_targets,
)
from orchestrator.analysis.showing import show
from orchestrator.analysis.size_fits import SizeFits, fit_sizes, suppression_indices

__all__ = [
    "SPONTANEOUS",
    "VISUAL",
    "FoundSimulation",
    "Inspected",
    "SizeFits",
    "choose_simulation",
    "config_of",
    "failing_table",
    "figures",
    "files_table",
    "find_simulations",
    "fit_sizes",
    "found_table",
    "memory_table",
    "open_datastore",
    "presentations_table",
    "runs",
    "score_all",
    "scores_table",
    "sheets_table",
    "show",
    "suppression_indices",
    "unsaved_table",
    "values_by_sheet",
    "values_table",
    "wanted_targets",
]
