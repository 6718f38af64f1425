"""Schedules by name: the ``@schedule`` decorator, and schedules made from the section of a configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import Field

from orchestrator.config.section import PluginOptions
from orchestrator.schedules.base import Schedule, Search
from targets.plugins import Registry, decorated

ScheduleClass = TypeVar("ScheduleClass", bound=type[Schedule])


class ScheduleOptions(PluginOptions):
    """The section ``schedule``; a schedule that has options of its own adds them in a subclass."""

    kind: str = Field("generations", description="name of the schedule, or file.py:Class for one of your own")

    @property
    def any_rows(self) -> bool:
        """Whether it tells evaluations of several asks together, which not every optimiser takes."""
        return False


@dataclass(frozen=True)
class ScheduleKind:
    """A registered schedule.

    Parameters
    ----------
    name : str
        What a configuration calls it.
    create : callable
        The class; takes options and `Search`.
    options : type of ScheduleOptions
        The keys of its section.
    """

    name: str
    create: Callable[[Any, Search], Schedule]
    options: type[ScheduleOptions]

    @property
    def documentation(self) -> str:
        """What the schedule is: the first paragraph of the docstring of its class."""
        return (inspect.getdoc(self.create) or "").partition("\n\n")[0]


def schedule(
    name: str, *, options: type[ScheduleOptions] = ScheduleOptions
) -> Callable[[ScheduleClass], ScheduleClass]:
    """Register the decorated subclass of `Schedule`, which takes options and `Search`.

    Parameters
    ----------
    name : str
        What a configuration calls it, in ``schedule.kind``.
    options : type of ScheduleOptions
        The keys of its section.

    Raises
    ------
    targets.plugins.PluginError
        If another class has that name already.
    """

    def register(cls: ScheduleClass) -> ScheduleClass:
        kind = ScheduleKind(name, cls, options)
        cls.plugin = kind  # type: ignore[attr-defined]
        schedules().add(name, kind, cls)
        return cls

    return register


def create_schedule(options: ScheduleOptions, search: Search) -> Schedule:
    """Return a new schedule.

    Parameters
    ----------
    options : ScheduleOptions
        The section ``schedule`` of a configuration.
    search : Search
        What it schedules.
    """
    kind: ScheduleKind = options._plugin or schedules().find(options.kind)
    return kind.create(options, search)


@cache
def schedules() -> Registry[ScheduleKind]:
    """Return the registry of schedules."""
    return Registry(
        "schedule",
        package="orchestrator.schedules",
        group="orchestrator.schedules",
        adopt=decorated(ScheduleKind, "schedule"),
    )
