"""Which optimiser a configuration has that names none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from targets.plugins import PluginError
from targets.registry import REGISTRY

# follows every sample of a trace, which takes far fewer evaluations than following the sum (docs/optimiser.md)
OF_TRACES = "hybrid"


def with_default_method(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration, not yet validated, with the optimiser for traces if it names none and has only such.

    Parameters
    ----------
    data : mapping
        The configuration; not changed.
    """
    specs = data.get("targets")
    if data.get("optimiser") or not isinstance(specs, list) or not specs:
        return dict(data)
    return {**data, "optimiser": {"method": OF_TRACES}} if all(map(_compares_traces, specs)) else dict(data)


def _compares_traces(spec: object) -> bool:
    """Return whether a target is the program's own and compares a trace sample by sample."""
    name = spec.get("class") if isinstance(spec, Mapping) else None
    if not isinstance(name, str) or ":" in name:
        return False
    try:
        found = REGISTRY.find(name)
    except PluginError:
        return False
    from targets.series import ComparedTrace  # noqa: PLC0415  (most runs have no traces)

    return issubclass(found, ComparedTrace)
