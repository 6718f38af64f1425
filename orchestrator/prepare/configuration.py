"""The text of config_optimisation.yaml: suggestions, or a predecessor's search space and targets."""

from __future__ import annotations

import functools
import itertools
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jinja2

from orchestrator.errors import UsageError
from orchestrator.paths import shipped
from orchestrator.prepare.predecessor import Imported, centroid_lines
from orchestrator.prepare.predecessor_checkpoint import BestIndividual
from orchestrator.prepare.predecessor_script import ScriptSettings
from orchestrator.prepare.suggested_space import number, sorted_by_sheet, suggest_space
from orchestrator.prepare.suggested_targets import suggest_targets
from orchestrator.prepare.workflow import Workflow
from orchestrator.simulations.mozaik.protocol import Protocol
from orchestrator.simulations.mozaik.sheets import SheetDescription

TEMPLATE = "param_optim/config_optimisation.yaml.jinja"
# above this one process does not suffice
_SMALL_NETWORK = 10_000
# lines of the configuration about one sheet: what the sheet is called, and the lines
Block = tuple[str, list[str]]


@dataclass(frozen=True)
class Contents:
    """What differs from model to model.

    Parameters
    ----------
    workflow : Workflow
        The model's class and experiments.
    root : str
        Name of the root parameter file.
    seeds : mapping of str to int
        The model's seeds by their names in the parameter tree.
    sheets : sequence of SheetDescription
        The model's sheets that have recorders.
    origin : str
        A sentence that says where the search space and the targets are from.
    parameter_blocks, centroid, target_blocks : sequence of (str, list of str), sequence of str
        Lines of the three sections, those of two of them in blocks about one sheet each.
    parameters : int
        How many parameters are searched.
    threshold : float
        Rate in Hz above which the explosion check ends a simulation.
    frame : float or None
        Duration of a frame of the model's visual stimuli in ms; None if it has none.
    best : BestIndividual or None
        What `centroid` is made of, if it is.
    script : ScriptSettings
        What the predecessor's script says.
    before : sequence of str
        Lines of ``simulation.before``.
    """

    workflow: Workflow
    root: str
    seeds: Mapping[str, int]
    sheets: Sequence[SheetDescription]
    origin: str
    parameter_blocks: Sequence[Block]
    centroid: Sequence[str]
    target_blocks: Sequence[Block]
    parameters: int
    threshold: float
    frame: float | None
    best: BestIndividual | None = None
    script: ScriptSettings = field(default_factory=ScriptSettings)
    before: Sequence[str] = ()

    def text(self) -> str:
        """Return the configuration."""
        neurons = _neurons(self.sheets)
        return render(
            TEMPLATE,
            contents=self,
            parameters_url=None if self.root == "defaults" else f"param_optim/{self.root}",
            start="" if self.best is None else f": {self.best.described}",
            settings=list(self._settings()),
            duration=f"{_whole_frames(500.0, self.frame):g}",
            threshold=f"{self.threshold:g}",
            executor="slurm" if shutil.which("sbatch") else "local",
            neurons=f"{neurons:,}" if neurons else None,
            small=0 < neurons <= _SMALL_NETWORK,
        )

    def _settings(self) -> Iterator[tuple[str, object, str]]:
        """Yield key, value and comment of the settings that the predecessor has in its script."""
        size, given = 4 + math.floor(3 * math.log(self.parameters)), self.script.values
        own, whole = f"this is CMA-ES' own choice for {self.parameters} parameters", "as in run_optimisation.py"
        sigma = self.script.sigma
        of_half = f"{given.get('optimiser_sigma')} of half a range in run_optimisation.py"
        for key, suggested, meaning, comment in (
            ("offspring_size", size, "simulations in a generation", own),
            ("max_ngen", 60, "generations altogether", ""),
            ("timeout", "20h", "of a generation, from its first submission, time in the queue included", ""),
            ("optimiser_sigma", 0.2, "first steps, as a fraction of each range", ""),
            ("optimiser_seed", 1, "", ""),
        ):
            if key == "optimiser_sigma" and sigma is not None:
                yield key, number(sigma), f"{meaning}; {of_half}"
            elif key in given:
                yield key, given[key], "; ".join(filter(None, ("s" if key == "timeout" else "", meaning, whole)))
            else:
                yield key, suggested, "; ".join(filter(None, (meaning, comment)))


def _neurons(sheets: Sequence[SheetDescription]) -> int:
    """Return about how many neurons of cortex there are; sheets that do not say it count as much as the largest."""
    neurons = [sheet.neurons for sheet in sheets if sheet.cortical]
    known = [number for number in neurons if number is not None]
    return sum(known) + (len(neurons) - len(known)) * max(known, default=0)


def _whole_frames(duration: float, frame: float | None) -> float:
    return math.ceil(duration / frame) * frame if frame else duration


def suggested_contents(
    workflow: Workflow,
    root: str,
    tree: Mapping[str, Any],
    sheets: Sequence[SheetDescription],
    *,
    measured: Sequence[SheetDescription],
    protocol: Protocol,
    best: BestIndividual | None = None,
) -> Contents:
    """Return a configuration with a first search space and first targets.

    Parameters
    ----------
    workflow : Workflow
        The model's class and experiments.
    root : str
        Name of the root parameter file.
    tree : mapping
        The model's parameters, as `read_parameter_tree` returns them.
    sheets, measured : sequence of SheetDescription
        The model's sheets, and those of them that targets can be measured in.
    protocol : Protocol
        What the experiments present.
    best : BestIndividual or None
        Where the search begins; None: at the model's own values.

    Raises
    ------
    orchestrator.errors.UsageError
        If nothing can be suggested.
    """
    suggestions = suggest_space(tree, sheets)
    targets = suggest_targets(measured, protocol)
    searched = sum(each.active for each in suggestions)
    if not measured:
        raise UsageError(
            f"{root}: the recorders of {', '.join(each.label for each in sheets)} are in files outside the base "
            "folder, which stay as they are, so that there is nothing to suggest targets from. Move these files into "
            "the base folder, or give targets of your own with --import FILE"
        )
    if not targets:
        raise UsageError(f"{root}: no sheet has a 'name' in its 'params', which targets need; name them")
    if not any(each.active for each in targets):
        raise UsageError(
            f"{workflow.experiments}: presents neither spontaneous activity nor gratings, so that there is nothing to "
            "suggest targets from. Present them (NoStimulation, MeasureOrientationTuningFullfield), name another "
            "function with --experiments module:function, or give targets of your own with --import FILE"
        )
    if searched == 0:
        raise UsageError(
            f"{root}: no weight or synaptic time constant (base_weight, weights, weight_factor, tau_syn_E...) was "
            "found to suggest a search space from; give one of your own with --import FILE, JSON with the "
            "sections parameters, optimiser_centroid, targets"
        )
    seeds, threshold, frame = _model_values(tree)
    bounds = {each.name: each.bounds for each in suggestions if each.active}
    start = {} if best is None else best.start_values(bounds, "the suggested search space")
    return Contents(
        workflow=workflow,
        root=root,
        seeds=seeds,
        sheets=sheets,
        origin="Bounds and target values are suggestions: put in your own.",
        parameter_blocks=_in_blocks((each.group, each.line) for each in sorted_by_sheet(suggestions)),
        centroid=centroid_lines(start),
        target_blocks=_in_blocks((each.spec["sheet_name"], each.line) for each in targets),
        parameters=searched,
        threshold=threshold,
        frame=frame,
        best=best,
    )


def imported_contents(
    imported: Imported, workflow: Workflow, root: str, tree: Mapping[str, Any], sheets: Sequence[SheetDescription]
) -> Contents:
    """Return a configuration with the three sections of a predecessor's file, and the settings of its script."""
    seeds, threshold, frame = _model_values(tree)
    return Contents(
        workflow=workflow,
        root=root,
        seeds=seeds,
        sheets=sheets,
        origin=f"Search space and targets are those of {imported.path.name}.",
        parameter_blocks=_in_blocks(imported.parameter_lines(tree, sheets)),
        centroid=imported.centroid(),
        target_blocks=_in_blocks(imported.target_lines()),
        parameters=len(imported.data["parameters"]),
        threshold=threshold,
        frame=frame,
        best=imported.best,
        script=imported.script,
    )


def _model_values(tree: Mapping[str, Any]) -> tuple[dict[str, int], float, float | None]:
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


def _in_blocks(lines: Iterable[tuple[str, str]]) -> list[Block]:
    """Return ``(sheet, line)`` as one block for every run of lines about one sheet; their order stays."""
    runs = itertools.groupby(lines, key=lambda each: each[0])
    return [(sheet, [line for _, line in run]) for sheet, run in runs]


def render(name: str, **values: Any) -> str:
    """Return a text that comes with the distribution, a jinja template, with its values filled in."""
    return _template(name).render(**values)


@functools.cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    return environment.from_string(shipped(name).read_text(encoding="utf-8"))
