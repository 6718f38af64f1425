"""Virtual environments, into which pip installs what a test names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    place: Path

    @classmethod
    def create(cls, place: Path, *packages: str) -> Environment:
        """Make one with these packages."""
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        made = cls(place)
        if packages:
            made.pip("install", *packages)
        return made

    @property
    def python(self) -> Path:
        return self.place / "bin/python"

    def pip(self, *arguments: str) -> str:
        """Run pip, and return what it prints on its standard output."""
        command = [self.python, "-m", "pip", *arguments]
        done = subprocess.run(command, env=outside(), capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def packages(self) -> dict[str, str]:
        """The versions of all that is installed, by name."""
        return {each["name"]: each["version"] for each in json.loads(self.pip("list", "--format=json"))}


def beside(place: Path, *packages: str) -> dict[str, str]:
    """Install packages into a folder, without what they need; return variables by which this Python finds them too."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place, *packages]
    done = subprocess.run(command, env=outside(), capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), str(place)])}


def outside() -> dict[str, str]:
    """Return the variables of this process without those that bring its packages into another Python.

    What pip installs is compiled when it is imported, of which there is little.
    """
    ours = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return {**ours, "PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
