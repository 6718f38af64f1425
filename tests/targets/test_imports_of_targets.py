"""What importing targets brings along."""

from __future__ import annotations

import subprocess
import sys

FOREIGN = ("neo", "quantities", "mozaik", "pandas", "scipy", "orchestrator", "elephant", "h5py", "yaml")


def test_nothing_heavy_is_imported() -> None:
    code = f"import sys, targets; print([name for name in {FOREIGN!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
