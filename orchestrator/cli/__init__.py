"""The command line; the only room that prints."""

from orchestrator.cli import exporting, inferring, making_ready, reporting, results, running, validating, watching
from orchestrator.cli.app import app, main

__all__ = [
    "app",
    "exporting",
    "inferring",
    "main",
    "making_ready",
    "reporting",
    "results",
    "running",
    "validating",
    "watching",
]
