"""Looking into datastores and runs by hand: what the notebooks stand on.

>>> from orchestrator.inspection import figures, open_datastore, show
>>> data = open_datastore("results/Model_run_____")  # doctest: +SKIP
>>> show(figures.raster(data))  # doctest: +SKIP
"""

from orchestrator.inspection import figures, runs
from orchestrator.inspection.contents import (
    files_table,
    found_table,
    presentations_table,
    sheets_table,
    unsaved_table,
)
from orchestrator.inspection.definitions import SPONTANEOUS, VISUAL, values_by_sheet
from orchestrator.inspection.finding import Simulation, choose_simulation, find_simulations
from orchestrator.inspection.opened import Inspected, open_datastore
from orchestrator.inspection.scores import (
    config_of,
    failing_table,
    memory_table,
    score_all,
    scores_table,
    values_table,
)
from orchestrator.inspection.showing import show

__all__ = [
    "SPONTANEOUS",
    "VISUAL",
    "Inspected",
    "Simulation",
    "choose_simulation",
    "config_of",
    "failing_table",
    "figures",
    "files_table",
    "find_simulations",
    "found_table",
    "memory_table",
    "open_datastore",
    "presentations_table",
    "runs",
    "score_all",
    "scores_table",
    "sheets_table",
    "show",
    "unsaved_table",
    "values_by_sheet",
    "values_table",
]
