"""A script of a user's, executed in the process of a test."""

from __future__ import annotations

import linecache
import runpy
from pathlib import Path
from typing import Any


def script(tmp_path: Path, text: str) -> dict[str, Any]:
    """Execute ``fit.py`` in a directory as Python does, and return what it has defined."""
    file = tmp_path / "fit.py"
    file.write_text(text)
    linecache.checkcache(str(file))
    return runpy.run_path(str(file), run_name="__main__")
