"""What a simulation leaves for targets: numbers, traces and events by name, and whatever files it wrote."""

from targets.numbers import FloatArray
from targets.recordings.series import Events, Recordings, Trace

__all__ = ["Events", "FloatArray", "Recordings", "Trace"]
