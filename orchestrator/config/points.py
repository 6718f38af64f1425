"""The sections of a configuration that are made of plug-ins."""

from __future__ import annotations

from pydantic import ConfigDict

from orchestrator.config.plugin_sections import PluginPoint
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.registry import optimisers
from orchestrator.schedules.registry import ScheduleOptions, schedules
from orchestrator.simulations.options import SimulationOptions
from orchestrator.simulations.registry import simulations


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
