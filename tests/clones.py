"""A clone of the repository whose environment is set up already, for what its tools do then."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make_clone(place: Path) -> Path:
    """Make one with links to the tools, and copies of the models, which are worked in."""
    place.mkdir()
    for name in ("tools", "param_optim", "pyproject.toml"):
        (place / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "tests/models", place / "tests/models", ignore=shutil.ignore_patterns("__pycache__"))
    environment = place / ".venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.prefix, "bin"))
    # as tools/environment.sh notes what it has done
    script = "source tools/environment.sh && wanted_state"
    state = subprocess.run(["bash", "-c", script], cwd=place, capture_output=True, text=True, check=True).stdout
    (environment / "set-up-mozaik").write_text(state)
    return place
