"""Figures of a run or of several, for the report, for notebooks and for papers.

Every function takes a `Checkpoint` and returns a `Figure`:

>>> from orchestrator.checkpoint import Checkpoint
>>> from orchestrator.report import figures
>>> run = Checkpoint("20261120-104608_Optimization")  # doctest: +SKIP
>>> figures.score_by_generation(run).save("scores.pdf")  # doctest: +SKIP
>>> figures.parameter_exploration(run).save("weight.svg", parameter="base_weight")  # doctest: +SKIP

A notebook shows a figure that is the last line of a cell. If many are made of one large run, read it once with
``History.of(run)`` and give them that.
"""

from orchestrator.report.figures.calibration import model_calibration, model_explosions, model_noise
from orchestrator.report.figures.comparison import compare_parameters, compare_scores, compare_targets
from orchestrator.report.figures.compromises import trade_off
from orchestrator.report.figures.dependence import dependence, importance
from orchestrator.report.figures.model import model_trust, origin_of_evaluations
from orchestrator.report.figures.optimiser import learnt_correlation, search_distribution, target_weights
from orchestrator.report.figures.parameters import (
    parameter_exploration,
    parameters_exploration,
    parameters_in_bounds,
    parameters_of_the_best,
)
from orchestrator.report.figures.posterior import posterior_correlation, posterior_pair
from orchestrator.report.figures.posterior_checks import posterior_calibration, posterior_predictive, posterior_traces
from orchestrator.report.figures.profiles import parallel_coordinates
from orchestrator.report.figures.recordings import events, trace_residuals, traces
from orchestrator.report.figures.relations import parameter_against_target, parameter_target_correlation
from orchestrator.report.figures.scores import fit_and_validation, score_by_generation
from orchestrator.report.figures.sheets import sheet_means
from orchestrator.report.figures.simulations import job_timeline, jobs_at_once, outcomes_by_generation, wall_time
from orchestrator.report.figures.solutions import good_pairs, good_solutions
from orchestrator.report.figures.targets import (
    target_by_generation,
    target_scores,
    target_scores_by_generation,
    values_against_targets,
)
from orchestrator.report.figures.waiting import hours_saved
from orchestrator.report.history import History
from orchestrator.report.scene import Figure

__all__ = [
    "Figure",
    "History",
    "compare_parameters",
    "compare_scores",
    "compare_targets",
    "dependence",
    "events",
    "fit_and_validation",
    "good_pairs",
    "good_solutions",
    "hours_saved",
    "importance",
    "job_timeline",
    "jobs_at_once",
    "learnt_correlation",
    "model_calibration",
    "model_explosions",
    "model_noise",
    "model_trust",
    "origin_of_evaluations",
    "outcomes_by_generation",
    "parallel_coordinates",
    "parameter_against_target",
    "parameter_exploration",
    "parameter_target_correlation",
    "parameters_exploration",
    "parameters_in_bounds",
    "parameters_of_the_best",
    "posterior_calibration",
    "posterior_correlation",
    "posterior_pair",
    "posterior_predictive",
    "posterior_traces",
    "score_by_generation",
    "search_distribution",
    "sheet_means",
    "target_by_generation",
    "target_scores",
    "target_scores_by_generation",
    "target_weights",
    "trace_residuals",
    "traces",
    "trade_off",
    "values_against_targets",
    "wall_time",
]
