"""Does ``set_params`` fit the network and the parameters? Asked by the controller, in a process of its own.

``python -m orchestrator.simulations.hnn.rehearsal`` reads a JSON object from standard input: ``model_dir``, ``options``
(the section ``simulation``), ``parameters`` with their start values, and ``write``, a file or null. It builds the
network, calls ``set_params``, writes the network into the file, and simulates nothing. It prints one JSON object:
``key``, of the section, that is at fault (null if none is), ``message``, ``wanted`` (the parameter that is missing) and
``read``, the names of parameters that ``set_params`` has read.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.simulations.hnn.options import HNNOptions
from orchestrator.simulations.programs.importing import load, modules_of
from orchestrator.text import shortened

# characters of an exception that are told
_LONGEST = 2000


class NotedParameters(dict[str, float]):
    """Parameters that note which of them are read.

    Attributes
    ----------
    read : set of str
        Names.
    missed : str or None
        The first name that there is not.
    """

    def __init__(self, parameters: Mapping[str, float]):
        super().__init__(parameters)
        self.read: set[str] = set()
        self.missed: str | None = None

    def __missing__(self, name: str) -> float:
        self.missed = self.missed or name
        raise KeyError(name)

    def __getitem__(self, name: str) -> float:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter; it has been read."""
        self.read.add(name)
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        """Remove and return a parameter; it has been read."""
        self.read.add(name)
        return super().pop(name, *default)

    def __iter__(self) -> Iterator[str]:
        self._read_all()
        return super().__iter__()

    def keys(self) -> Any:
        """Return all names; all parameters have been read."""
        self._read_all()
        return super().keys()

    def values(self) -> Any:
        """Return all values; all parameters have been read."""
        self._read_all()
        return super().values()

    def items(self) -> Any:
        """Return all parameters, which have been read."""
        self._read_all()
        return super().items()

    def _read_all(self) -> None:
        self.read.update(super().keys())


def rehearse(
    options: HNNOptions, model_dir: Path, parameters: Mapping[str, float], write: Path | None = None
) -> dict[str, Any]:
    """Build the network, call ``set_params`` and write the network; return what the program prints."""
    noted = NotedParameters(parameters)
    key = "network"
    try:
        with modules_of(model_dir):
            os.chdir(model_dir)
            net: Any = _function(options.network, model_dir)(**options.arguments)
            key = "set_params"
            _function(options.set_params, model_dir)(net, noted)
            if write is not None:
                net.write_configuration(write)
    except Exception as error:  # noqa: BLE001  (whatever a user's function raises)
        message = shortened(f"{type(error).__name__}: {error}", _LONGEST)
        wanted = noted.missed if isinstance(error, KeyError) else None
        return {"key": key, "message": message, "wanted": wanted, "read": sorted(noted.read)}
    return {"key": None, "message": "", "wanted": None, "read": sorted(noted.read)}


def _function(reference: str, model_dir: Path) -> Callable[..., Any]:
    return load(reference, model_dir)


def main() -> None:
    """Answer one question."""
    # NEURON and hnn-core print what they like, from C as well
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    options = HNNOptions.model_validate(asked["options"])
    write = None if asked["write"] is None else Path(asked["write"])
    with answer:
        json.dump(rehearse(options, Path(asked["model_dir"]), asked["parameters"], write), answer)


if __name__ == "__main__":
    main()
