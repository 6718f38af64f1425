"""Checkpoints as BluePyOpt 1.14 writes them, without BluePyOpt: pickles of classes of the same names and attributes."""

from __future__ import annotations

import copy
import functools
import operator
import pickle
import random
import sys
import types
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

_CLASSES = {
    "bluepyopt.deapext.utils": ("WSListIndividual", "WeightedReducedFitness"),
    "bluepyopt.deapext.CMA_SO": ("CMA_SO",),
    "bluepyopt.deapext.stoppingCriteria": ("MaxNGen", "TolHistFun"),
    "deap.base": ("Toolbox",),
    "deap.tools.support": ("HallOfFame", "History", "Logbook"),
}
_LISTS = ("WSListIndividual", "Logbook")


class _Modules:
    """Stand-ins of the modules, in place as long as something is pickled."""

    def __init__(self) -> None:
        self.modules: dict[str, types.ModuleType] = {}
        for name, classes in _CLASSES.items():
            for end in range(1, name.count(".") + 2):
                package = ".".join(name.split(".")[:end])
                self.modules.setdefault(package, types.ModuleType(package))
            for cls in classes:
                base: type = list if cls in _LISTS else object
                setattr(self.modules[name], cls, type(cls, (base,), {"__module__": name}))

    def make(self, cls: str, items: Sequence[Any] = (), **state: Any) -> Any:
        """Return an object with these attributes."""
        module = next(self.modules[name] for name, classes in _CLASSES.items() if cls in classes)
        kind: Any = getattr(module, cls)
        made = kind(items) if cls in _LISTS else kind()
        made.__dict__.update(state)
        return made


def write_checkpoint(
    path: Path,
    individuals: Sequence[tuple[Sequence[float], Sequence[float]]],
    names: Sequence[str] | None,
    *,
    in_population: Sequence[tuple[Sequence[float], Sequence[float]]] = (),
    reduce: Any = np.sum,
    protocol: int = 4,
    **more: Any,
) -> Path:
    """Write a checkpoint.

    Parameters
    ----------
    path : pathlib.Path
        Where.
    individuals, in_population : sequence of (values, scores)
        The hall of fame, and a last generation besides; without scores they were not evaluated.
    names : sequence of str or None
        ``param_names``; None for a version that has none.
    reduce : callable
        What BluePyOpt makes one score of several with.
    protocol : int
        Of the pickle.
    **more
        Further entries.
    """
    stand_ins = _Modules()
    make = stand_ins.make

    def individual(values: Sequence[float], scores: Sequence[float]) -> Any:
        weighted = tuple(np.float64(-score) for score in scores)
        fitness = make("WeightedReducedFitness", weights=[-1.0] * len(scores), reduce_fcn=reduce, wvalues=weighted)
        return make("WSListIndividual", [np.float64(each) for each in values], fitness=fitness, _ps=("p", 0))

    fame = [individual(*each) for each in individuals]
    toolbox = make("Toolbox", clone=functools.partial(copy.deepcopy), map=functools.partial(map))
    cma = make(
        "CMA_SO", centroid=np.zeros(2), C=np.identity(2), sigma=np.float64(0.3), toolbox=toolbox, map_function=None,
        stopping_conditions=[make("MaxNGen", max_ngen=5), make("TolHistFun", mins=deque([1.0], maxlen=10))],
    )  # fmt: skip
    content: dict[str, Any] = {
        "population": [individual(*each) for each in in_population] or fame,
        "generation": 5,
        "halloffame": make("HallOfFame", maxsize=10, keys=[], items=fame, similar=operator.eq),
        "history": make("History", genealogy_index=1, genealogy_history={1: fame[0]}, genealogy_tree=defaultdict(list)),
        "logbook": make("Logbook", [{"gen": 1, "avg": np.float64(3)}], buffindex=0, header=["gen", "avg"]),
        "rndstate": random.Random(1).getstate(),
        "np_rndstate": np.random.RandomState(1).get_state(),
        "CMA_es": cma,
        **more,
    }
    if names is not None:
        content["param_names"] = list(names)
    with patch.dict(sys.modules, stand_ins.modules):
        path.write_bytes(pickle.dumps(content, protocol))
    return path
