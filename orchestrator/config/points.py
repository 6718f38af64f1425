"""The sections of a configuration that are made of plug-ins, and the optimiser of one that names none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict

from orchestrator.config.plugin_sections import PluginPoint
from orchestrator.config.section import Section
from orchestrator.config.sections import JobsSection
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimisers
from orchestrator.schedules.registry import ScheduleOptions, schedules
from orchestrator.simulations.options import SimulationOptions
from orchestrator.simulations.registry import simulations
from targets.plugins import PluginError
from targets.registry import REGISTRY


class _UnreadOptimiser(OptimiserOptions):
    """The options of a user's own optimiser, whose file is not imported."""

    model_config = ConfigDict(extra="allow")


class _UnreadSimulation(SimulationOptions):
    """The options of a user's own kind of simulation, whose file is not imported."""

    model_config = ConfigDict(extra="allow")


class _UnreadSchedule(ScheduleOptions):
    """The options of a user's own schedule, whose file is not imported."""

    model_config = ConfigDict(extra="allow")


OPTIMISER = PluginPoint("method", "cma", optimisers, _UnreadOptimiser)
SIMULATION = PluginPoint("type", "mozaik", simulations, _UnreadSimulation)
SCHEDULE = PluginPoint("kind", "generations", schedules, _UnreadSchedule)
# sections that are made of plug-ins
POINTS = {"optimiser": OPTIMISER, "schedule": SCHEDULE, "simulation": SIMULATION}
# of traces: follows every sample, which takes far fewer evaluations than following the sum (docs/optimiser.md)
_OF_TRACES = "hybrid"


def misfit(section: Section, others: Mapping[str, Any]) -> str:
    """Return why a section does not fit others of a configuration, which have been read before it; empty if it does.

    Parameters
    ----------
    section : Section
        A schedule, which depends on the optimiser, or the section ``jobs``, which does on the simulation.
    others : mapping
        The sections that could be read, by name.
    """
    if isinstance(section, ScheduleOptions):
        return _misfit_of_schedule(section, others.get("optimiser"))
    return _misfit_of_jobs(section, others.get("simulation")) if isinstance(section, JobsSection) else ""


def _misfit_of_schedule(schedule: ScheduleOptions, optimiser: OptimiserOptions | None) -> str:
    plugin = None if optimiser is None else optimiser._plugin
    if optimiser is None or plugin is None or plugin.any_rows or not schedule.any_rows:
        return ""
    return (
        f"this way of {schedule.kind} tells evaluations of several generations together, which the optimiser "
        f"{optimiser.method} does not take: use the schedule generations, with close_at: 1"
    )


def _misfit_of_jobs(jobs: JobsSection, simulation: SimulationOptions | None) -> str:
    if simulation is None or simulation.jobs_per_evaluation == 1 or jobs.evaluations_per_job == 1:
        return ""
    return (
        "evaluations_per_job: expected 1, as simulation.job_per_trial gives each trial a job of its own, got "
        f"{jobs.evaluations_per_job}"
    )


def with_default_method(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration, not yet validated, with the optimiser for traces if it names none and has only such.

    Parameters
    ----------
    data : mapping
        The configuration; not changed.
    """
    specs = data.get("targets")
    if data.get("optimiser") or not isinstance(specs, list) or not specs:
        return dict(data)
    return {**data, "optimiser": {"method": _OF_TRACES}} if all(map(_compares_traces, specs)) else dict(data)


def _compares_traces(spec: object) -> bool:
    """Return whether a target is the program's own and compares a trace sample by sample."""
    name = spec.get("class") if isinstance(spec, Mapping) else None
    if not isinstance(name, str) or ":" in name:
        return False
    try:
        found = REGISTRY.find(name)
    except PluginError:
        return False
    from targets.series import ComparedTrace  # noqa: PLC0415  (most runs have no traces)

    return issubclass(found, ComparedTrace)
