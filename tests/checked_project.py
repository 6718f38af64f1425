"""The four-sheet visual model with a configuration, sound except what a test changes."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CONFIG = "param_optim/config_optimisation.yaml"
WEIGHT = "sheets.l4_cortex_exc.connections.L4ExcL4ExcConnection.params.base_weight"
OTHER = "sheets.l4_cortex_exc.connections.L4ExcL4InhConnection.params.base_weight"
TAU = "sheets.l4_cortex_exc.params.cell.params.tau_syn_I"
SOUND: dict[str, Any] = {
    "parameters": {WEIGHT: {"bounds": [0.001, 0.05], "scale": "log"}, OTHER: [0.01, 0.1], TAU: [2, 10]},
    "optimiser_centroid": {WEIGHT: 0.02},
    "targets": [
        {"class": "SpontActivityTarget", "sheet_name": "V1_Exc_L4", "target_value": [1, 4], "norm": 1},
        {"class": "SynchronyTarget", "sheet_name": "V1_Exc_L2/3", "target_value": 0.01, "norm": 0.02},
        {"class": "ConductanceRatio", "sheet_name": "V1_Inh_L4", "target_value": 4, "norm": 1},
        {"class": "SpontActivityTarget", "sheet_name": "X_ON", "target_value": [1, 40], "norm": 1},
    ],
    "offspring_size": 14,
    "max_ngen": 60,
    "timeout": "20h",
    "simulation": {"model": "model:VisualModel", "seeds": {"pynn_seed": 513, "mpi_seed": 1023}},
    "jobs": {"ntasks": 2, "mem": "2G", "time": "4h"},
    "executor": "local",
}


def changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sound configuration with keys changed; ``targets|0|norm`` is one, None takes it away."""
    config = deepcopy(SOUND)
    for place, value in changes.items():
        *path, last = [int(part) if part.isdigit() else part for part in place.split("|")]
        here: Any = config
        for part in path:
            here = here[part] if isinstance(here, list) else here.setdefault(part, {})
        if value is None:
            del here[last]
        else:
            here[last] = value
    return config


@functools.cache
def _visual_model() -> dict[Path, bytes | None]:
    """Return the content of each file of the model, None of a directory; hundreds of tests have a copy of it."""
    root = ROOT / "tests/models/visual_model"
    found = [root, *(path for path in sorted(root.rglob("*")) if "__pycache__" not in path.parts)]
    return {path.relative_to(root): path.read_bytes() if path.is_file() else None for path in found}


def visual_model(folder: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """Copy the model, made ready for an optimisation; return the path of its configuration."""
    model = folder / "visual model"
    for name, content in _visual_model().items():
        if content is None:
            (model / name).mkdir(parents=True)
        else:
            (model / name).write_bytes(content)
    shutil.copy(ROOT / "param_optim/run_optimization_experiment.py", model / "param_optim")
    shutil.copy(ROOT / "slurm_templates/optimisation.sbatch", model)
    path = model / CONFIG
    path.write_text(yaml.dump(changed(changes or {}), Dumper=yaml.CSafeDumper, sort_keys=False))
    return path
