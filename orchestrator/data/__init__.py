"""Measured recordings that a configuration names (``data``): read from files or made once, and frozen with a run."""

from orchestrator.data.errors import DataError, Unreadable
from orchestrator.data.freezing import digest_of, freeze_data, frozen_data
from orchestrator.data.loading import load_data, read
from orchestrator.data.section import DataSource, DataSources

__all__ = [
    "DataError",
    "DataSource",
    "DataSources",
    "Unreadable",
    "digest_of",
    "freeze_data",
    "frozen_data",
    "load_data",
    "read",
]
