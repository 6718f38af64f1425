"""What a run is exported to, and what was asked for."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.paths import RunPaths


class Form(str, enum.Enum):
    """What a run is exported to."""

    CSV = "csv"
    PARQUET = "parquet"
    OPTUNA = "optuna"
    RO_CRATE = "ro-crate"


class StudyObjectives(str, enum.Enum):
    """What a study minimises: the total score, or the score of each target."""

    TOTAL = "total"
    TARGETS = "targets"


# the file that is written unless another is named, and how those may end that are
_NAMES = {
    Form.CSV: "evaluations.csv",
    Form.PARQUET: "evaluations.parquet",
    Form.OPTUNA: "study.log",
    Form.RO_CRATE: "ro-crate",
}
_ENDINGS = {Form.CSV: (".csv",), Form.PARQUET: (".parquet",), Form.OPTUNA: (".log", ".db")}


@dataclass(frozen=True)
class ExportRequest:
    """What was asked for.

    Parameters
    ----------
    form : Form
        What the run is exported to.
    output : pathlib.Path or None
        Where it is written; None for the usual place in the run directory.
    objectives : StudyObjectives or None
        Of a study; None if it was not said.
    terms : str or None
        Of a crate, the licence: an address, or a text; None if it was not said.
    force : bool
        Whether what is there is overwritten.
    """

    form: Form
    output: Path | None = None
    objectives: StudyObjectives | None = None
    terms: str | None = None
    force: bool = False

    def place(self, paths: RunPaths) -> Path:
        """Return where it is written.

        Raises
        ------
        orchestrator.errors.UsageError
            If options do not go together, or the name of the file does not fit.
        """
        if self.objectives is not None and self.form is not Form.OPTUNA:
            raise UsageError("export: --objectives goes only with --to optuna")
        if self.terms is not None and (self.form is not Form.RO_CRATE or not self.terms.strip()):
            raise UsageError("export: --license goes only with --to ro-crate, and is an address or a text")
        if self.output is None:
            return paths.exported(_NAMES[self.form])
        endings = _ENDINGS.get(self.form, (self.output.suffix,))
        if self.output.suffix not in endings:
            raise UsageError(f"--output: expected a file {' or '.join(endings)}, got {self.output}")
        return self.output
