"""What every target's definition gives for every sheet of a datastore."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from orchestrator.analysis.opened import Inspected, defined
from orchestrator.analysis.rows import table_of
from targets import (
    ConductanceRatio,
    IrregularityTarget,
    ModulationRatio,
    OrientationTuningOrthoHighTarget,
    OrientationTuningPreferenceTarget,
    SizeTuning,
    SpontActivityTarget,
    SynchronyTarget,
    Target,
    measure,
)

SPONTANEOUS: dict[str, type[Target]] = {
    "rate (Hz)": SpontActivityTarget,
    "CV of ISI": IrregularityTarget,
    "correlation": SynchronyTarget,
    "g_inh / g_exc": ConductanceRatio,
}
VISUAL: dict[str, type[Target]] = {
    "preferred / orthogonal": OrientationTuningPreferenceTarget,
    "change by orthogonal": OrientationTuningOrthoHighTarget,
    "suppressed share": SizeTuning,
    "2 F1 / F0": ModulationRatio,
}


def values_by_sheet(
    data: Inspected, definitions: dict[str, type[Target]], **options: Any
) -> tuple[pd.DataFrame, list[str]]:
    """Return the values that the targets have, one row per sheet, and why some have none.

    Parameters
    ----------
    data : Inspected
        The datastore.
    definitions : dict
        Target classes by the name of their column: `SPONTANEOUS`, `VISUAL`.
    **options
        Of the classes that have such an option, such as ``contrast``.

    Returns
    -------
    pandas.DataFrame
        Columns ``sheet`` and the names; NaN if there is no value.
    list of str
        ``sheet, names: reason``.
    """
    rows, reasons = [], [data.problem] if data.problem else []
    without: dict[tuple[str, str], list[str]] = {}
    for sheet in data.sheets if data.store is not None and not data.problem else ():
        row: dict[str, Any] = {"sheet": sheet}
        for name, cls in definitions.items():
            own = {key: value for key, value in options.items() if key in cls.model_fields}
            (found,) = measure([defined(cls, sheet, **own)], data.store)
            row[name] = math.nan if found.value is None else found.value
            if found.reason:
                without.setdefault((sheet, found.reason), []).append(name)
        rows.append(row)
    reasons += [f"{sheet}, {', '.join(names)}: {reason}" for (sheet, reason), names in without.items()]
    return table_of(rows, ["sheet", *definitions]), reasons
