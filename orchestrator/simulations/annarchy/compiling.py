"""Compiles the populations in the working directory.

``python -m orchestrator.simulations.annarchy.compiling OPTIONS MODEL_DIR``, with the section ``simulation`` as JSON.
"""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator.simulations.annarchy.loading import Unusable
from orchestrator.simulations.annarchy.network import build
from orchestrator.simulations.annarchy.options import AnnarchyOptions


def main(section: str, model_dir: str) -> None:
    """Compile, or end with exit code 1 and the reason as the last line."""
    try:
        build(AnnarchyOptions.model_validate_json(section), Path(model_dir), Path.cwd())
    except Unusable as error:
        raise SystemExit(f"simulation.{error.key}: {error}") from error


if __name__ == "__main__":
    main(*sys.argv[1:])
