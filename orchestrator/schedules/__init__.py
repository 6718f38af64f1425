"""Schedules: the policy between an optimiser and the pool of jobs."""

from orchestrator.schedules.base import ReplayDiffers, Schedule, Search, told_of

__all__ = ["ReplayDiffers", "Schedule", "Search", "told_of"]
