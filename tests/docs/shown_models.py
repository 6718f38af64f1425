"""What makes the models of the pages quick to simulate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# file, what is in it, and what takes less time
_SMALL = {
    "balanced_network": [
        ("exc", "'density': 100.0", "'density': 25.0"),
        ("inh", "'density': 25.0", "'density': 6.25"),
        ("defaults", "'spontaneous_duration': 1000.0", "'spontaneous_duration': 300.0"),
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


def make_small(model: Path, folder: str = "param") -> Path:
    """Shorten the protocol of a test model, and thin its sheets, in one of its folders of parameters."""
    for file, old, new in _SMALL[model.name]:
        path = model / folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{path}: there is no {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    return model


def smaller(settings: dict[str, Any]) -> None:
    """Let an optimisation be of one generation of three, near its start."""
    settings.update(max_ngen=1, offspring_size=3, optimiser_sigma=0.05)
    settings["explosion_check"] = {"duration": 70, "slices": 2}
    settings["slurm"] = {"poll_interval": 1, "result_grace": 2, "time": "10m"}
