"""``python -m orchestrator.report RUN [WHY_IT_ENDED]``: what a controller has done after every generation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.paths import RunPaths
from orchestrator.report import write_report
from orchestrator.text import plain


def main() -> int:
    """Write report.html of the run directory that is named; problems are one line of standard error."""
    os.nice(10)
    paths = RunPaths(Path(sys.argv[1]))
    try:
        write_report([paths], paths.report, ended="".join(sys.argv[2:3]))
    except (OrchestratorError, OSError) as error:
        print(plain(str(error)), file=sys.stderr)  # noqa: T201  (the controller reads it)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
