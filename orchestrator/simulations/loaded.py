"""Versions of the simulators that a process has loaded, for the record of an evaluation.

Whatever Python a simulation runs in can execute this: it imports nothing but the standard library.
"""

from __future__ import annotations

import sys
from functools import cache

# under which the commit of a model is kept beside versions
COMMIT = "model"
# names of modules, and what their programs are called
SIMULATORS = {
    "mozaik": "mozaik",
    "pyNN": "PyNN",
    "nest": "NEST",
    "neuron": "NEURON",
    "hnn_core": "hnn-core",
    "brian2": "Brian",
    "ANNarchy": "ANNarchy",
}
LONGEST = 60


def loaded() -> dict[str, str]:
    """Return the versions of the simulators that are loaded here, by name; nothing is imported."""
    found = {}
    for module, name in SIMULATORS.items():
        if module in sys.modules and (text := _version(module)):
            found[name] = text
    return found


def _version(module: str) -> str:
    own = getattr(sys.modules[module], "__version__", None)
    if isinstance(own, str):
        return own[:LONGEST]
    return _distributed(module)


@cache
def _distributed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  (few modules do not say it themselves)

    try:
        return version(name)[:LONGEST]
    except PackageNotFoundError:
        return ""
