"""Which experiments a model's protocol has, as far as its source says."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from orchestrator.simulations.mozaik.modules import module_tree
from targets import Presented
from targets.orientation import GRATING
from targets.size import DISK

_SPONTANEOUS = ("NoStimulation",)
_ORIENTATION = ("MeasureOrientationTuningFullfield",)
_SIZE = ("MeasureSizeTuning",)


@dataclass(frozen=True)
class Protocol:
    """What is presented; a target of something else would have no value.

    Parameters
    ----------
    spontaneous, orientation, size : bool
        Whether there is an experiment of that kind.
    contrasts : frozenset of float or None
        Contrasts of all its stimuli in %; None if the source doesn't say.
    """

    spontaneous: bool
    orientation: bool
    size: bool
    contrasts: frozenset[float] | None

    def may_present(self, stimulus: Presented) -> bool:
        """Whether a stimulus is presented, or may be as far as the source says; that of spontaneous activity always."""
        contrast = stimulus.parameters.get("contrast")
        shown = {GRATING: self.orientation, DISK: self.size}.get(stimulus.name, True)
        return shown and (contrast is None or self.contrasts is None or contrast in self.contrasts)


def protocol_of(model_dir: Path, experiments: str) -> Protocol:
    """Return what the function ``module:name`` and the functions of its module that it calls present."""
    module, _, name = experiments.partition(":")
    tree = module_tree(model_dir, module) or ast.Module(body=[], type_ignores=[])
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    waiting, reached = [name], set[str]()
    names: set[str] = set()
    contrasts: list[ast.expr] = []
    while waiting:
        current = waiting.pop()
        if current in reached or current not in functions:
            continue
        reached.add(current)
        for node in ast.walk(functions[current]):
            if isinstance(node, ast.Name):
                names.add(node.id)
                waiting.append(node.id)
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.keyword) and node.arg == "contrasts":
                contrasts.append(node.value)
            elif isinstance(node, ast.Dict):
                keyed = zip(node.keys, node.values, strict=True)
                contrasts += [v for k, v in keyed if isinstance(k, ast.Constant) and k.value == "contrasts"]
    return Protocol(
        spontaneous=not names.isdisjoint(_SPONTANEOUS),
        orientation=not names.isdisjoint(_ORIENTATION),
        size=not names.isdisjoint(_SIZE),
        contrasts=_numbers(contrasts),
    )


def _numbers(lists: list[ast.expr]) -> frozenset[float] | None:
    found: set[float] = set()
    for each in lists:
        try:
            value = ast.literal_eval(each)
        except (ValueError, TypeError):
            return None
        numbers = value if isinstance(value, (list, tuple)) else [value]
        found |= {float(number) for number in numbers if isinstance(number, (int, float))}
    return frozenset(found) if lists else None
