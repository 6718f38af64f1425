"""Keys that have moved to another section are accepted in their old place, in files and on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# the old section, and the new one of each of its keys that have moved
MOVED: dict[str, dict[str, str]] = {
    "slurm": dict.fromkeys(
        ("retries", "ntasks", "cpus_per_task", "mem", "time", "setup", "poll_interval", "result_grace"), "jobs"
    )
}


def with_moved_keys(data: Mapping[str, Any], *, override: bool = False) -> dict[str, Any]:
    """Return a configuration, not yet validated, with its keys in their present sections.

    Parameters
    ----------
    data : mapping
        The configuration; not changed.
    override : bool
        Whether a key in its old place replaces the one in the new place, because it was set later. Otherwise a key that
        is given in both places with different values stays in both, and validation refuses the old one.
    """
    moved = dict(data)
    for old, keys in MOVED.items():
        if not isinstance(moved.get(old), Mapping):
            continue
        moved[old] = dict(moved[old])
        for key in [key for key in moved[old] if key in keys]:
            section = moved.get(keys[key], {})
            if not isinstance(section, Mapping):
                continue
            if override or section.get(key, moved[old][key]) == moved[old][key]:
                moved[keys[key]] = {**section, key: moved[old].pop(key)}
    return moved


def new_place(parts: Sequence[str]) -> list[str]:
    """Return the parts of a dotted key, with the section that the key is in now."""
    section = MOVED.get(parts[0], {}).get(parts[1]) if len(parts) > 1 else None
    return [section or parts[0], *parts[1:]]


def old_place(location: tuple[str | int, ...]) -> tuple[str | int, ...] | None:
    """Return where a key was before it moved to `location`, None if it did not move."""
    for old, keys in MOVED.items():
        if len(location) > 1 and keys.get(str(location[1])) == location[0]:
            return (old, *location[1:])
    return None


def given_twice(location: tuple[str | int, ...]) -> str | None:
    """Return what is wrong with a key that is left in its old place, None for other keys."""
    if len(location) != 2 or location[1] not in MOVED.get(str(location[0]), {}):
        return None
    new = f"{MOVED[str(location[0])][str(location[1])]}.{location[1]}"
    return f"is given as {new} too, with another value: it is the same key. Keep {new} alone"
