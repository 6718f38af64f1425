"""The configuration of a model, filled in: suggestions, or a predecessor's search space and targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.prepare.blocks import in_blocks
from orchestrator.prepare.configuration import Contents, model_values
from orchestrator.prepare.predecessor import Imported
from orchestrator.prepare.protocol import Protocol
from orchestrator.prepare.sheets import Sheet
from orchestrator.prepare.suggested_space import sorted_by_sheet, suggest_space
from orchestrator.prepare.suggested_targets import suggest_targets
from orchestrator.prepare.workflow import Workflow


def suggested_contents(
    workflow: Workflow,
    root: str,
    tree: Mapping[str, Any],
    sheets: Sequence[Sheet],
    *,
    measured: Sequence[Sheet],
    protocol: Protocol,
) -> Contents:
    """Return a configuration with a first search space and first targets.

    Parameters
    ----------
    workflow : Workflow
        The model's class and experiments.
    root : str
        Name of the root parameter file.
    tree : mapping
        The parameters.
    sheets, measured : sequence of Sheet
        The model's sheets, and those of them that targets can be measured in.
    protocol : Protocol
        What is presented.

    Raises
    ------
    orchestrator.errors.UsageError
        Where nothing can be suggested.
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
    if searched == 0:
        raise UsageError(
            f"{root}: no weight or synaptic time constant (base_weight, weights, weight_factor, tau_syn_E...) was "
            "found to suggest a search space from; give one of your own with --import FILE, JSON with the "
            "sections parameters, optimiser_centroid, targets"
        )
    seeds, threshold, frame = model_values(tree)
    return Contents(
        workflow=workflow,
        root=root,
        seeds=seeds,
        sheets=sheets,
        origin="Bounds and target values are suggestions: put in your own.",
        parameter_blocks=in_blocks((each.group, each.line) for each in sorted_by_sheet(suggestions)),
        centroid=[],
        target_blocks=in_blocks((each.spec["sheet_name"], each.line) for each in targets),
        parameters=searched,
        threshold=threshold,
        frame=frame,
    )


def imported_contents(
    imported: Imported, workflow: Workflow, root: str, tree: Mapping[str, Any], sheets: Sequence[Sheet]
) -> Contents:
    """Return a configuration with the three sections of a predecessor's file."""
    seeds, threshold, frame = model_values(tree)
    return Contents(
        workflow=workflow,
        root=root,
        seeds=seeds,
        sheets=sheets,
        origin=f"Search space and targets are those of {imported.path.name}.",
        parameter_blocks=imported.parameter_blocks(tree, sheets),
        centroid=imported.centroid(),
        target_blocks=imported.target_blocks(),
        parameters=len(imported.data["parameters"]),
        threshold=threshold,
        frame=frame,
    )
