"""The command line; the only room that prints."""

from orchestrator.cli import inferring, making_ready, reporting, results, running, validating, watching
from orchestrator.cli.app import app, main

__all__ = ["app", "inferring", "main", "making_ready", "reporting", "results", "running", "validating", "watching"]
