"""Where a run stands, read from its files alone."""

from orchestrator.status.described import RunStatus
from orchestrator.status.watcher import Watcher

__all__ = ["RunStatus", "Watcher"]
