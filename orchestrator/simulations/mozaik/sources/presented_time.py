"""How much biological time a protocol takes, as far as the source of its experiments says; nothing is executed."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.modules import defined_in, module_tree
from orchestrator.simulations.mozaik.parameters import lookup
from orchestrator.simulations.mozaik.parameters.references import number_at
from orchestrator.simulations.mozaik.protocol import protocol_of
from orchestrator.simulations.mozaik.sources.repetition import Repetition

# parameter with the duration of one presentation, and those of which the numbers multiply; of a list, its length.
# mozaik/experiments of 2026; those of size tuning that 0.1.0 has not are taken if they are given.
_GRATINGS = "grating_duration"
_EXPERIMENTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "NoStimulation": ("duration", (), ()),
    "PoissonNetworkKick": ("duration", (), ()),
    "MeasureOrientationTuningFullfield": (_GRATINGS, ("num_orientations", "contrasts", "num_trials"), ()),
    "MeasureSizeTuning": (_GRATINGS, ("num_sizes", "contrasts", "num_trials"), ("orientations", "positions")),
    "MeasureContrastSensitivity": (_GRATINGS, ("contrasts", "num_trials"), ()),
    "MeasureNaturalImagesWithEyeMovement": ("stimulus_duration", ("num_trials",), ()),
    "MeasureDriftingSineGratingWithEyeMovement": (_GRATINGS, ("num_trials",), ()),
    "MeasureFlatLuminanceSensitivity": ("step_duration", ("luminances", "num_trials"), ()),
}
_DEEPEST = 20


@dataclass(frozen=True)
class PresentedTime:
    """The biological time of one simulation of a protocol.

    Parameters
    ----------
    seconds : float
        Of the stimuli that could be read, with the blanks before them, in s.
    unread : sequence of str
        The experiments of which the source does not say how long they take.
    """

    seconds: float
    unread: Sequence[str] = ()

    def __str__(self) -> str:
        if not self.unread:
            return f"{self.seconds:.1f} s"
        if not self.seconds:
            return f"a time that its source does not say ({', '.join(self.unread)})"
        return f"more than {self.seconds:.1f} s (the source does not say how long {', '.join(self.unread)} takes)"


def presented_time(model_dir: Path, experiments: str, tree: Mapping[str, Any]) -> PresentedTime:
    """Return how much time the experiments of a function take.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory.
    experiments : str
        The function, ``module:name``.
    tree : mapping
        The model's parameters, which durations may be among.
    """
    module, _, name = experiments.partition(":")
    try:
        source = module_tree(model_dir, module)
        function = None if source is None else defined_in(source).get(name)
    except UsageError:
        function = None
    blank = number_at(tree, ("null_stimulus_period",)) or 0.0
    milliseconds, read, unread = 0.0, set[str](), []
    if isinstance(function, ast.FunctionDef):
        values = _Values(function, tree)
        for called, given in _named(function):
            found = values.time_of(called, given, blank)
            read.add(called)
            if found is None:
                unread.append(called)
            else:
                milliseconds += found
    elsewhere = [each for each in protocol_of(model_dir, experiments).experiments if each not in read]
    return PresentedTime(milliseconds / 1000.0, list(dict.fromkeys([*unread, *elsewhere])))


def _named(function: ast.FunctionDef) -> Iterator[tuple[str, Sequence[ast.expr | ast.keyword] | None]]:
    """Yield each experiment that a function names, and what it is given; None if how often it is, is not said."""
    repetition = Repetition(function)
    for node in ast.walk(function):
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
        if name not in _EXPERIMENTS or not isinstance(node, (ast.Name, ast.Attribute)):
            continue
        parent = repetition.parents[node]
        if repetition.may_come_again(node):
            yield name, None
        elif isinstance(parent, ast.Call) and parent.func is node:  # (model, ParameterSet({...})), (model, duration=1)
            yield name, [*parent.args[1:], *parent.keywords]
        elif isinstance(parent, (ast.Tuple, ast.List)):  # (class, ParameterSet({...}))
            yield name, [each for each in parent.elts if each is not node]
        else:
            yield name, None


def _changed(function: ast.FunctionDef) -> set[str]:
    """Return the names of what may get other items: by one of its methods, or by an assignment to an item."""
    called = [each.func for each in ast.walk(function) if isinstance(each, ast.Call)]
    parts = [each for each in ast.walk(function) if isinstance(each, (ast.Attribute, ast.Subscript))]
    changing = [each for each in parts if each in called or not isinstance(each.ctx, ast.Load)]
    return {each.value.id for each in changing if isinstance(each.value, ast.Name)}


class _Values:
    """Evaluates what experiments are given: numbers, lists, and parameters of the model.

    Parameters
    ----------
    function : ast.FunctionDef
        The function that makes the experiments.
    tree : mapping
        The model's parameters.
    """

    def __init__(self, function: ast.FunctionDef, tree: Mapping[str, Any]):
        self._tree = tree
        arguments = [*function.args.posonlyargs, *function.args.args]
        self._model = arguments[0].arg if arguments else ""
        assigned = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
        # in whichever way: a loop and += give a value too
        stored = [
            each.id for each in ast.walk(function) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        ]
        lasting = {name for name in stored if stored.count(name) == 1} - _changed(function)
        self._variables = {
            each.id: node.value
            for node in assigned
            for each in node.targets
            if isinstance(each, ast.Name) and each.id in lasting
        }

    def time_of(self, name: str, given: Sequence[ast.expr | ast.keyword] | None, blank: float) -> float | None:
        """Return the time of all presentations of an experiment in ms, with a blank before each; None if not said."""
        parameters = None if given is None else self._parameters(given)
        if parameters is None:
            return None
        flat = parameters.get("with_flat")  # what that adds differs from version to version
        if flat is not None and not (isinstance(flat, ast.Constant) and flat.value is False):
            return None
        duration, counted, optional = _EXPERIMENTS[name]
        sizes = [parameters.get(each) for each in counted]
        sizes += [parameters[each] for each in optional if each in parameters]
        each = self._number(parameters.get(duration))
        counts = [self._count(size) for size in sizes]
        if each is None or None in counts:
            return None
        return math.prod(count for count in counts if count is not None) * (each + blank)

    def _parameters(self, given: Sequence[ast.expr | ast.keyword]) -> dict[str, ast.expr] | None:
        """Return the parameters by name: keywords, and what ``ParameterSet({...})`` holds."""
        found: dict[str, ast.expr] = {}
        for each in given:
            if isinstance(each, ast.keyword) and each.arg is not None:
                found[each.arg] = each.value
                continue
            node = self._variable(each.value if isinstance(each, ast.keyword) else each)
            if isinstance(node, ast.Call) and node.args:
                node = self._variable(node.args[0])
            if not isinstance(node, ast.Dict):
                return None
            pairs = zip(node.keys, node.values, strict=True)
            found |= {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
        return found

    def _variable(self, node: ast.expr) -> ast.expr:
        return self._variables.get(node.id, node) if isinstance(node, ast.Name) else node

    def _count(self, node: ast.expr | None) -> float | None:
        node = None if node is None else self._variable(node)
        return float(len(node.elts)) if isinstance(node, (ast.List, ast.Tuple)) else self._number(node)

    def _number(self, node: ast.expr | None, deepest: int = _DEEPEST) -> float | None:
        if node is None or deepest == 0:
            return None
        if isinstance(node, ast.Name) and node.id in self._variables:
            return self._number(self._variables[node.id], deepest - 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add)):
            left, right = (self._number(each, deepest - 1) for each in (node.left, node.right))
            if left is None or right is None:
                return None
            return left * right if isinstance(node.op, ast.Mult) else left + right
        value = node.value if isinstance(node, ast.Constant) else self._parameter(node)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return float(len(value)) if isinstance(value, (list, tuple)) else None
        return float(value)

    def _parameter(self, node: ast.expr) -> Any:
        """Return what ``model.parameters.protocol.duration`` is, None if it is nothing of the kind."""
        names: list[str] = []
        for _ in range(_DEEPEST):
            if isinstance(node, ast.Attribute):
                names.insert(0, node.attr)
                node = node.value
            else:
                node = self._variable(node)
        if not isinstance(node, ast.Name) or node.id != self._model or names[:1] != ["parameters"]:
            return None
        try:
            return lookup(self._tree, ".".join(names[1:]))
        except KeyError:
            return None
