"""The text of config_optimisation.yaml."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.prepare.blocks import Block
from orchestrator.prepare.sheets import Sheet
from orchestrator.prepare.templates import render
from orchestrator.prepare.workflow import Workflow

TEMPLATE = "param_optim/config_optimisation.yaml.jinja"
# above this one process does not suffice
_SMALL_NETWORK = 10_000


@dataclass(frozen=True)
class Contents:
    """What differs from model to model.

    Parameters
    ----------
    workflow : Workflow
        Class and experiments.
    root : str
        Name of the root parameter file.
    seeds : mapping of str to int
        The model's seeds.
    sheets : sequence of Sheet
        The model's sheets.
    origin : str
        Where the search space and the targets are from.
    parameter_blocks, centroid, target_blocks : sequence of (str, list of str), sequence of str
        Lines of the three sections; of a block, the sheet that it is about comes first.
    parameters : int
        How many are searched.
    threshold : float
        Of the explosion check, Hz.
    frame : float or None
        The model's visual stimuli come in frames of so many ms.
    """

    workflow: Workflow
    root: str
    seeds: Mapping[str, int]
    sheets: Sequence[Sheet]
    origin: str
    parameter_blocks: Sequence[Block]
    centroid: Sequence[str]
    target_blocks: Sequence[Block]
    parameters: int
    threshold: float
    frame: float | None

    def text(self) -> str:
        """Return the configuration."""
        neurons = _neurons(self.sheets)
        return render(
            TEMPLATE,
            contents=self,
            parameters_url=None if self.root == "defaults" else f"param_optim/{self.root}",
            offspring_size=4 + math.floor(3 * math.log(self.parameters)),
            duration=f"{_whole_frames(500.0, self.frame):g}",
            threshold=f"{self.threshold:g}",
            executor="slurm" if shutil.which("sbatch") else "local",
            neurons=f"{neurons:,}" if neurons else None,
            small=0 < neurons <= _SMALL_NETWORK,
        )


def _neurons(sheets: Sequence[Sheet]) -> int:
    """Return about how many neurons there are; sheets whose density is computed count as much as the largest."""
    known = [sheet.neurons for sheet in sheets if sheet.neurons is not None]
    unknown = sum(1 for sheet in sheets if sheet.cortical and sheet.neurons is None)
    return sum(known) + unknown * max(known, default=0)


def _whole_frames(duration: float, frame: float | None) -> float:
    return math.ceil(duration / frame) * frame if frame else duration


def model_values(tree: Mapping[str, Any]) -> tuple[dict[str, int], float, float | None]:
    """Return a model's seeds, its threshold of explosion (Hz) and its frame (ms)."""
    seeds = {name: value for name, value in tree.items() if name.endswith("seed") and type(value) is int}
    monitoring = tree.get("explosion_monitoring")
    threshold = monitoring.get("threshold") if isinstance(monitoring, Mapping) else None
    space = tree.get("input_space")
    frame = space.get("update_interval") if isinstance(space, Mapping) else None
    return (
        seeds,
        float(threshold) if isinstance(threshold, (int, float)) and threshold > 0 else 100.0,
        float(frame) if isinstance(frame, (int, float)) and frame > 0 else None,
    )
