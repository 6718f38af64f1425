"""Do experiment, neuron models, data and parameters fit each other? Asked by the controller, in a process of its own.

``python -m orchestrator.simulations.annarchy.rehearsal`` reads a JSON object from standard input: ``model_dir``,
``options`` (the section ``simulation``) and ``parameters``, with any values. It compiles and simulates nothing. It
prints one JSON object: ``problems``, of which each has the ``key`` of the section and a ``message``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from orchestrator.simulations.annarchy.loading import Unusable, part
from orchestrator.simulations.annarchy.options import AnnarchyOptions

_PARTS = ("experiment", "neuron_model", "get_loss", "results_soll", "target_neuron_model")


def rehearse(options: AnnarchyOptions, model_dir: Path, parameters: Mapping[str, float]) -> list[dict[str, str]]:
    """Import all that the section names, and look for the parameters and what is recorded; return the problems."""
    problems: list[dict[str, str]] = []

    def tried(do: Callable[[], Any]) -> Any:
        try:
            return do()
        except Unusable as error:
            problems.append({"key": error.key, "message": str(error)})
        except Exception as error:  # noqa: BLE001  (whatever ANNarchy says of a neuron model)
            problems.append({"key": "neuron_model", "message": f"{type(error).__name__}: {error}"})
        return None

    found = {key: tried(partial(part, options, key, model_dir)) for key in _PARTS}
    if found["neuron_model"] is not None:
        tried(lambda: _fitting(options, found["neuron_model"], parameters))
    if found["target_neuron_model"] is not None:
        tried(lambda: _recorded(options, "target_neuron_model", found["target_neuron_model"]))
    return problems


def _fitting(options: AnnarchyOptions, neuron_model: Any, parameters: Mapping[str, float]) -> None:
    from orchestrator.simulations.annarchy.network import refuse_unknown  # noqa: PLC0415  (targets)

    refuse_unknown(parameters, _recorded(options, "neuron_model", neuron_model), options.neuron_model)


def _recorded(options: AnnarchyOptions, key: str, neuron_model: Any) -> Any:
    """Return a population of a neuron model; raises `Unusable` if something that is recorded is not there."""
    import ANNarchy  # noqa: PLC0415  (seconds)

    from targets.plugins import nearest  # noqa: PLC0415

    population = ANNarchy.Population(1, neuron=neuron_model)
    known = [*population.attributes, *(["spike"] if neuron_model.type == "spike" else [])]
    for variable in options.record:
        if variable not in known:
            message = f"{getattr(options, key)} has no {variable!r} to record{nearest(variable, known)}"
            raise Unusable("record", f"{message}; there is: {', '.join(known)}")
    return population


def main() -> None:
    """Answer one question."""
    # ANNarchy and scripts print what they like, from C as well
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    options, model_dir = AnnarchyOptions.model_validate(asked["options"]), Path(asked["model_dir"])
    os.chdir(model_dir)
    with answer:
        json.dump({"problems": rehearse(options, model_dir, asked["parameters"])}, answer)


if __name__ == "__main__":
    main()
