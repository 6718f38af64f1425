"""Versions of what evaluates an offspring."""

from __future__ import annotations

import contextlib
import platform

from orchestrator import __version__
from orchestrator.paths import AttemptPaths
from orchestrator.simulations.loaded import loaded
from orchestrator.simulations.phases import noted_versions


def own_versions() -> dict[str, str]:
    """Return the versions of this program, its Python, and the simulators that are loaded in this process."""
    return {"orchestrator": __version__, "python": platform.python_version(), **loaded()}


def versions_of(attempt: AttemptPaths) -> dict[str, str]:
    """Return these and the versions of simulators that the attempt's simulation has noted in a process of its own."""
    found = own_versions()
    with contextlib.suppress(OSError):
        found |= noted_versions(attempt)
    return found
