"""Bare models, without anything of an optimisation, and what a directory holds to the last bit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MODELS = Path(__file__).resolve().parent / "models"
NAMES = ("balanced_network", "visual_model", "current_style")
# file, what is in it, and what takes less time
_SMALL = {
    "balanced_network": [
        ("exc", "'density': 100.0", "'density': 25.0"),
        ("inh", "'density': 25.0", "'density': 6.25"),
    ],
    "visual_model": [
        ("defaults", "'spontaneous_duration': 1001.0", "'spontaneous_duration': 203.0"),
        ("defaults", "'grating_duration': 1001.0", "'grating_duration': 203.0"),
        ("defaults", "'temporal_frequency': 2.0", "'temporal_frequency': 10.0"),
        ("defaults", "'null_stimulus_period': 147.0", "'null_stimulus_period': 0.0"),
        ("l4_cortex_exc", "'density': 64.0", "'density': 25.0"),
        ("l23_cortex_exc", "'density': 64.0", "'density': 25.0"),
    ],
}
# their sheets, and whether each is of cortex
SHEETS = {
    "balanced_network": {"exc": True, "inh": True},
    "visual_model": {
        "retina_lgn": False,
        **dict.fromkeys(("l4_cortex_exc", "l4_cortex_inh", "l23_cortex_exc", "l23_cortex_inh"), True),
    },
    "current_style": {"retina_lgn": False, "l4_cortex_exc": True, "l4_cortex_inh": True},
}


def bare_model(name: str, folder: Path) -> Path:
    """Copy a test model without its ``param_optim``."""
    ignore = shutil.ignore_patterns("__pycache__", "param_optim")
    return Path(shutil.copytree(MODELS / name, folder / name, ignore=ignore))


def make_small(model: Path, folder: str = "param") -> Path:
    """Shorten the protocol of a test model, and thin its sheets, in one of its folders of parameters."""
    for file, old, new in _SMALL[model.name]:
        path = model / folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{path}: there is no {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    return model


def small_model(folder: Path, **files: str) -> Path:
    """Write a model of one sheet in today's style.

    `files` replace some, or are added: ``param__defaults``, ``run__py``.
    """
    contents = {
        "run.py": "import mozaik\n"
        "from model import Net\n"
        "from experiments import create_experiments\n"
        "from mozaik.controller import run_workflow\n"
        "from mpi4py import MPI\n\n"
        "import nest\n\n"
        'nest.Install("stepcurrentmodule")\n\n'
        "mpi_comm = MPI.COMM_WORLD\n\n"
        'data_store, model = run_workflow("Net", Net, create_experiments)\n\n'
        "if mpi_comm.rank == 0:\n    data_store.save()\n",
        "model.py": "from mozaik.models import Model\n\n\nclass Net(Model):\n    pass\n",
        "experiments.py": "from mozaik.experiments import NoStimulation\nfrom parameters import ParameterSet\n\n\n"
        "def create_experiments(model):\n    return [NoStimulation(model, ParameterSet({'duration': 100.0}))]\n",
        "param/defaults": "{'results_dir': '', 'pynn_seed': 1, 'sheets': {'exc': url('param/exc')}}",
        "param/exc": "{'component': 'C', 'params': {'name': 'Exc', 'sx': 2000.0, 'sy': 2000.0, 'density': 10.0,\n"
        " 'magnification_factor': 1000.0, 'cell': {'model': 'IF_cond_exp', 'params': {'tau_m': 20.0}},\n"
        " 'recorders': None}, 'ExcExc': {'weights': 0.001}}",
    }
    contents |= {name.replace("__py", ".py").replace("__", "/"): text for name, text in files.items()}
    model = folder / "model"
    for name, text in contents.items():
        path = model / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return model


def snapshot(directory: Path) -> dict[str, object]:
    """Return content, or target of the link, and mode of everything below a directory."""
    found: dict[str, object] = {}
    for folder, folders, names in os.walk(directory):
        for name in [*folders, *names]:
            path = Path(folder, name)
            content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(directory))] = (content, path.lstat().st_mode)
    return found
