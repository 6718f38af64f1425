"""Whether a mozaik model's recorders record what its targets and its explosion check need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from orchestrator.simulations.base import Finding
from orchestrator.simulations.mozaik.sheets import SheetDescription

if TYPE_CHECKING:
    from orchestrator.config.model import Config


def recorder_problems(config: Config, sheets: Mapping[str, SheetDescription]) -> Iterator[Finding]:
    """Yield what is not recorded although a target or the explosion check needs it."""
    for target in config.create_targets():
        for need in target.needs.recorded:
            sheet = sheets.get(need.sheet_name or target.sheet_name or "")
            if sheet is not None and sheet.recorders is not None and not sheet.recorders_of(*need.variables):
                missing = f"{type(target).__name__} needs a recorder of {' or '.join(need.variables)} in {sheet.name}"
                message = f"{missing}, {_got(sheet)}. {_remedy(sheet, need.variables)}"
                yield ("targets", target.entry, need.option), message
    check = config.explosion_check
    if not check.enabled:
        return
    known = {name: sheet for name, sheet in sheets.items() if sheet.recorders is not None}
    recording = [name for name, sheet in known.items() if sheet.recorders_of("spikes")]
    if check.sheet_name in known and check.sheet_name not in recording:
        sheet = known[check.sheet_name]
        message = f"the explosion check needs a recorder of spikes in {sheet.name}, {_got(sheet)}"
        yield ("explosion_check", "sheet_name"), f"{message}. Sheets that record spikes: {_listed(recording)}"
    elif check.sheet_name is None and not recording and known.keys() == sheets.keys() and sheets:
        yield (
            ("explosion_check",),
            f"needs a recorder of spikes in at least one sheet of {_listed(list(sheets))}; no sheet has one",
        )


def selections(config: Config, sheets: Mapping[str, SheetDescription]) -> Iterator[Finding]:
    """Yield which sheets' spikes targets see of some neurons only."""
    named: dict[str, int] = {}
    for target in config.create_targets():
        for need in target.needs.recorded:
            if "spikes" in need.variables:
                named.setdefault(need.sheet_name or target.sheet_name or "", target.entry)
    for name, n in named.items():
        recorders = sheets[name].recorders_of("spikes") if name in sheets else ()
        if recorders and not any(each.all_cells for each in recorders):
            kinds = ", ".join(f"{each.component} {each.name!r}" for each in recorders)
            message = f"spikes of {name} are recorded of some of its neurons only ({kinds}): its targets see no others"
            yield ("targets", n, "sheet_name"), message


def _got(sheet: SheetDescription) -> str:
    return f"which records {_listed(sheet.variables)}" if sheet.variables else "which records nothing"


def _remedy(sheet: SheetDescription, names: Sequence[str]) -> str:
    return f"Add {names[0]!r} to the variables of {sheet.place}.recorders"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
