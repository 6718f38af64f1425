"""Which stimuli a model's protocol presents, as far as the source of its experiments says; nothing is executed."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.modules import defined_in, module_file, python_tree
from targets import Presented
from targets.orientation import GRATING
from targets.size import DISK
from targets.stimuli import SPONTANEOUS

# the stimuli that targets come with, and the experiments of mozaik that present them
_PRESENTED_BY = {
    SPONTANEOUS: ("NoStimulation",),
    GRATING: ("MeasureOrientationTuningFullfield", "MeasureContrastSensitivity", "MeasureFrequencySensitivity"),
    DISK: ("MeasureSizeTuning",),
}
# those of 0.1.0 and of the versions since that present none of them
_OTHERS = (
    *("PoissonNetworkKick", "InjTest", "MeasureFlatLuminanceSensitivity", "MeasureSparse", "MeasureSparseBar"),
    *("MeasureSparseWithCurrentInjection", "MeasureDense", "MeasureOrientationTuningFullfieldA"),
    *("MeasureSizeTuningRing", "MeasureContrastSensitivityA", "MeasureOrientationContrastTuning"),
    *("MeasureFeatureInducedCorrelation", "MeasureNaturalImages", "MeasureNaturalImagesWithEyeMovement"),
    *("MeasureDriftingSineGratingWithEyeMovement", "MeasureSpontaneousActivity", "MapPhaseResponseWithBarStimulus"),
    *("MeasureSpontaneousActivityWithPoissonStimulation", "VonDerHeydtIllusoryBarProtocol"),
    *("MeasureTextureSensitivityFullfield", "MeasureTextureSizeTuning", "MapResponseToInterruptedBarStimulus"),
    *("MeasureInformativePixelCorrelationStatisticsResponse", "MapResponseToInterruptedCornerStimulus"),
    "MeasureUninformativePixelCorrelationStatisticsResponse",
)
_SHOWN = {name: stimulus for stimulus, names in _PRESENTED_BY.items() for name in (stimulus, *names)}
_KNOWN = {*_SHOWN, *_OTHERS}
# what gives a name a meaning that the source does not say
_OPAQUE = {
    "eval",
    "exec",
    "compile",
    "getattr",
    "globals",
    "locals",
    "vars",
    "__import__",
    "load_component",
    "importlib",
}
_HARMLESS = {"numpy", "scipy", "parameters", "mozaik", "pyNN", "nest", "quantities", "imagen", *sys.stdlib_module_names}
_METHODS = {*dir(list), *dir(dict), *dir(str)}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Protocol:
    """What is presented; a target of something else would have no value.

    Parameters
    ----------
    shown : mapping of str to (frozenset of float or None)
        Contrasts in % by class of the stimulus, of those that targets come with; None if the source doesn't say.
    experiments : sequence of str
        The experiments of mozaik's that the source names.
    unread : str
        What of the source does not say what it presents; empty if it says all.
    """

    shown: Mapping[str, frozenset[float] | None]
    experiments: Sequence[str] = ()
    unread: str = ""

    def presents(self, stimulus: Presented) -> bool:
        """Whether the source names such a stimulus; a contrast that it does not say is taken for the right one."""
        contrast, known = stimulus.parameters.get("contrast"), self.shown.get(stimulus.name)
        return stimulus.name in self.shown and (contrast is None or known is None or contrast in known)

    def may_present(self, stimulus: Presented) -> bool:
        """Whether a stimulus is presented, or may be for all that the source says."""
        return bool(self.unread) or stimulus.name not in _PRESENTED_BY or self.presents(stimulus)


def protocol_of(model_dir: Path, experiments: str) -> Protocol:
    """Return what the function ``module:name``, and all of the model's directory that it makes use of, presents."""
    reading = _Reading(model_dir)
    module, _, name = experiments.partition(":")
    reading.follow(module, name)
    while reading.waiting:
        reading.read(*reading.waiting.pop())
    return Protocol(
        {name: _all_known(found) for name, found in reading.shown.items()},
        tuple(sorted(reading.experiments)),
        reading.unread[0] if reading.unread else "",
    )


def local_names(node: ast.AST) -> tuple[set[str], set[str]]:
    """Return the names that a function gives a meaning itself, and those of its arguments."""
    stored = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    stored |= {each.name for each in ast.walk(node) if isinstance(each, _FUNCTIONS) and each is not node}
    return stored, {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}


def _all_known(contrasts: set[float | None]) -> frozenset[float] | None:
    known = frozenset(each for each in contrasts if each is not None)
    return None if None in contrasts else known


@dataclass
class _Reading:
    """What is known so far."""

    model_dir: Path
    shown: dict[str, set[float | None]] = field(default_factory=dict)
    experiments: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    waiting: list[tuple[str, ast.AST]] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _modules: dict[str, tuple[ast.Module, dict[str, ast.AST]]] = field(default_factory=dict)

    def follow(self, module: str, name: str) -> None:
        """Read later what a module of the model's directory calls `name`."""
        if (module, name) in self._seen:
            return
        self._seen.add((module, name))
        tree, names = self._module(module)
        if name not in names:
            self._from_stars(module, tree, name)
            return
        node = names[name]
        if isinstance(node, ast.Name):  # a variable of the module
            self.waiting += [(module, statement) for statement in _statements_about(tree, name)]
        elif isinstance(node, _FUNCTIONS):
            self.waiting.append((module, node))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._imported(module, node, name)
        else:
            self.unread.append(f"{name} is a class of {module}.py")

    def read(self, module: str, node: ast.AST) -> None:
        """Note all that a function, or another statement, makes use of."""
        parents = {child: parent for parent in ast.walk(node) for child in ast.iter_child_nodes(parent)}
        stored, arguments = local_names(node)
        for each in parents:
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load) and each.id not in stored | arguments:
                self._named(module, each, parents)
            elif isinstance(each, ast.Attribute) and each.attr in _KNOWN:
                self._note(each.attr, each, parents)
            elif isinstance(each, ast.Attribute) and self._is_unknown(module, each, parents):
                self.unread.append(f"{ast.unparse(each)} of {module}.py is no experiment that is known here")
            elif isinstance(each, ast.Attribute) and each.attr == "load_component":
                self._not_said(module, each, each.attr)
            elif _is_method_of(each, arguments):
                self._not_said(module, each, ast.unparse(each.func))

    def _named(self, module: str, node: ast.Name, parents: Mapping[ast.AST, ast.AST]) -> None:
        """Note a name of the module's, or of something that it imports."""
        name, parent = node.id, parents.get(node)
        origin = self._module(module)[1].get(name)
        known = self._mozaiks(module, name)
        if known in _KNOWN:
            self._note(known, node, parents)
        elif name in _OPAQUE:
            self._not_said(module, node, name)
        elif origin is None and (hasattr(builtins, name) or name == "__file__"):
            return
        elif isinstance(parent, ast.Attribute) and isinstance(origin, (ast.Import, ast.ImportFrom)):
            dotted = _module_of(origin, name)
            if module_file(self.model_dir, dotted) is not None:
                self.follow(dotted, parent.attr)
            elif dotted.partition(".")[0] not in _HARMLESS:
                self._imported(module, origin, name)
        else:
            self.follow(module, name)

    def _is_unknown(self, module: str, node: ast.Attribute, parents: Mapping[ast.AST, ast.AST]) -> bool:
        """Whether this is something of ``mozaik.experiments`` by its whole name, such as ``vision.MeasureMore``."""
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        origin = self._module(module)[1].get(root.id) if isinstance(root, ast.Name) else None
        if not isinstance(origin, (ast.Import, ast.ImportFrom)) or isinstance(parents.get(node), ast.Attribute):
            return False
        name = root.id if isinstance(root, ast.Name) else ""
        return f"{_module_of(origin, name)}{ast.unparse(node).removeprefix(name)}".startswith("mozaik.experiments.")

    def _mozaiks(self, module: str, name: str) -> str:
        """Return what mozaik calls a name of the module; empty if it is none of mozaik's."""
        tree, names = self._module(module)
        origin = names.get(name)
        if isinstance(origin, ast.ImportFrom):
            return _called_in(origin, name) if (origin.module or "").startswith("mozaik") else ""
        own = origin is not None or any(name in self._module(star)[1] for star in self._own_stars(tree))
        return "" if own else name

    def _not_said(self, module: str, node: ast.expr, what: str) -> None:
        self.unread.append(f"line {node.lineno} of {module}.py calls {what}")

    def _note(self, name: str, node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> None:
        self.experiments.add(name)
        if name in _SHOWN:
            self.shown.setdefault(_SHOWN[name], set()).update(_contrasts(node, parents.get(node)))

    def _imported(self, module: str, node: ast.Import | ast.ImportFrom, name: str) -> None:
        source = _called_in(node, name)
        if isinstance(node, ast.Import):
            if source.partition(".")[0] not in _HARMLESS or source == "importlib":
                self.unread.append(f"{name} is a module of elsewhere")
            return
        origin = node.module or ""
        if module_file(self.model_dir, origin) is not None:
            self.follow(origin, source)
        elif origin.startswith("mozaik.experiments"):
            self.unread.append(f"{source} of {origin} is no experiment that is known here")
        elif origin.partition(".")[0] not in _HARMLESS or source in _OPAQUE:
            self.unread.append(f"{module}.py has {source} from {origin}")

    def _from_stars(self, module: str, tree: ast.Module, name: str) -> None:
        """Look a name up in what the module imports everything of."""
        for star in self._own_stars(tree):
            if name in self._module(star)[1]:
                self.follow(star, name)
                return
        self.unread.append(f"{module}.py does not say what {name} is")

    def _own_stars(self, tree: ast.Module) -> list[str]:
        """Return the modules of the model's directory that a module imports everything of."""
        stars = (each.module or "" for each in tree.body if isinstance(each, ast.ImportFrom) and _is_star(each))
        return [star for star in stars if module_file(self.model_dir, star) is not None]

    def _module(self, module: str) -> tuple[ast.Module, dict[str, ast.AST]]:
        if module not in self._modules:
            path = module_file(self.model_dir, module)
            try:
                tree = python_tree(path) if path else ast.Module(body=[], type_ignores=[])
            except UsageError:
                tree = ast.Module(body=[], type_ignores=[])
            self._modules[module] = tree, defined_in(tree)
        return self._modules[module]


def _statements_about(tree: ast.Module, name: str) -> Iterator[ast.stmt]:
    """Yield the statements of a module, besides functions, classes and imports, that mention a variable."""
    others = (*_FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)
    for node in tree.body:
        names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        if name in names and not isinstance(node, others):
            yield node


def _is_star(node: ast.ImportFrom) -> bool:
    return node.names[0].name == "*"


def _called_in(node: ast.AST | None, name: str) -> str:
    """Return what the module that a name is imported from calls it; the name itself if it is not imported."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return name
    return next((alias.name for alias in node.names if (alias.asname or alias.name) == name), name)


def _module_of(node: ast.Import | ast.ImportFrom, name: str) -> str:
    """Return the module that an imported name may be."""
    source = _called_in(node, name)
    return source if isinstance(node, ast.Import) else ".".join(filter(None, (node.module, source)))


def _is_method_of(node: ast.AST, names: set[str]) -> TypeGuard[ast.Call]:
    """Whether a method of one of these is called that lists, mappings and texts do not have: it may present things."""
    function = node.func if isinstance(node, ast.Call) else None
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in names
        and function.attr not in _METHODS
    )


def _contrasts(node: ast.AST, parent: ast.AST | None) -> Iterator[float | None]:
    """Yield the contrasts that an experiment is given where it is named, in %; None if they are not plain numbers."""
    beside: list[ast.expr] = []
    if isinstance(parent, ast.Call) and parent.func is node:  # Measure...(model, contrasts=[10, 100])
        beside = [*parent.args, *(word.value for word in parent.keywords)]
        given = [word.value for word in parent.keywords if word.arg == "contrasts"]
    elif isinstance(parent, (ast.Tuple, ast.List)):  # (Measure..., ParameterSet({"contrasts": [10, 100]}))
        beside, given = list(parent.elts), []
    else:
        given = []
    for each in beside:
        for inner in ast.walk(each):
            if isinstance(inner, ast.Dict):
                pairs = zip(inner.keys, inner.values, strict=True)
                given += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "contrasts"]
            elif isinstance(inner, ast.keyword) and inner.arg == "contrasts":
                given.append(inner.value)
    if len(given) != 1:
        yield None
        return
    try:
        value = ast.literal_eval(given[0])
    except (ValueError, TypeError):
        yield None
        return
    for number in value if isinstance(value, (list, tuple)) else [value]:
        yield float(number) if isinstance(number, (int, float)) else None
