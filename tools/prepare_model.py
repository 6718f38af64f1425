#!/usr/bin/env python
"""Makes a mozaik model ready for an optimisation, from a checkout: the same as ``orchestrator prepare``.

python tools/prepare_model.py MODEL_DIR [--dry-run] [--force] [--base-param FOLDER] ...; --help lists all options
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run ``orchestrator prepare`` of this checkout with the arguments given."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from orchestrator.cli import main as orchestrator  # noqa: PLC0415  (found once the checkout is on the path)

    sys.argv = ["orchestrator", "prepare", *sys.argv[1:]]
    orchestrator()


if __name__ == "__main__":
    main()
