"""What README and docs show, and how a test does it.

- A block ``sh`` (or of no language) is a script of bash: all blocks of a page are executed in order, in a scratch copy
  of a model; ``cd`` lasts until the page's end.
- A block ``python`` or ``yaml`` whose first line is ``# name/of/a/file`` is written to that file.
- Any other block ``python`` is executed in the same directory; any other ``yaml`` has keys that the configuration has.
- A block ``text`` is output, or a formula.

Names that stand for what only the reader knows are replaced: see `replaced`. Blocks that cannot be executed are listed
in test_shown_commands.py with the reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SHELL = ("sh", "")
_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml))\n")
_STAMP = re.compile(r"\b\d{8}-\d{6}_Optimization\b")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `line` is that of its first line of content, from 1."""

    page: str
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block is the content of."""
        found = _FILE.match(self.text) if self.language in ("python", "yaml") else None
        return found[1] if found else None


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page, named relative to the repository's root."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        indent, language, content = match.groups()
        lines = [line.removeprefix(indent) for line in content.splitlines(keepends=True)]
        found.append(Block(page, text[: match.start(3)].count("\n") + 1, language, "".join(lines)))
    return found


def stamps_of(page: str) -> list[str]:
    """Return the run directories that a page speaks of, the oldest first."""
    return sorted(set(_STAMP.findall((ROOT / page).read_text(encoding="utf-8"))))


def replaced(text: str, stamps: list[str], runs: list[Path], more: Mapping[str, str]) -> str:
    """Put in what a reader would.

    - The n-th of a page's time stamps, in the order of time, is that of the model's n-th run.
    - ``--watch`` is left with Ctrl-C after three seconds.
    - ``sbatch`` waits for the end of its job.
    - `more`: regular expressions and what they are replaced by, of this page alone.
    """
    for stamp, run in zip(stamps, [*runs, *runs[-1:] * len(stamps)], strict=False):
        text = text.replace(stamp, run.name)
    text = re.sub(r"^(.*--watch.*)$", r"timeout --foreground --preserve-status --signal=INT 3 \1", text, flags=re.M)
    text = re.sub(r"^sbatch ", "sbatch --wait ", text, flags=re.M)
    for pattern, by in more.items():
        text = re.sub(pattern, by, text)
    return text


def build_site(place: Path) -> Path:
    """Build docs/ as a site, with the network off, and return its directory."""
    # whoever tries to fetch something while it is built gets an error
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=ROOT,
        env={**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place


@dataclass
class Reader:
    """Does what pages say, in one directory.

    Parameters
    ----------
    directory : Path
        Where the reader is; moves with ``cd``.
    environment : mapping of str to str
        Variables on top of those of the tests.
    changes : mapping of str to str
        See `replaced`.
    smaller : callable
        Changes every configuration that appears in ``param_optim``, so that it takes seconds.
    """

    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    smaller: Callable[[dict[str, Any]], None] | None = None
    _written: dict[Path, str] = field(default_factory=dict)

    def follow(self, page: str, not_executed: Mapping[str, str]) -> None:
        """Do what a page says, in its order."""
        stamps = stamps_of(page)
        for block in blocks_of(page):
            if block.text.startswith(tuple(not_executed)):
                continue
            text = replaced(block.text, stamps, sorted(self.directory.glob("*_Optimization")), self.changes)
            if block.file:
                file = self.directory / block.file
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            elif block.language in SHELL:
                self._execute(block, text)
            elif block.language == "python":
                self._execute(block, f"python - <<'END_OF_BLOCK'\n{text}END_OF_BLOCK\n")
            self._make_smaller()

    def _execute(self, block: Block, text: str) -> None:
        place = self.directory / ".place"
        # bash then counts lines as the page does
        script = (
            f"set -e -o pipefail; trap 'pwd > {str(place)!r}' EXIT; trap 'echo \"failed in line $LINENO\" >&2' ERR"
            + "\n" * (block.line - 1)
            + text
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.directory,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = f"{block.where}: exit code {done.returncode}\n{text}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, said
        assert "Traceback" not in done.stderr, said
        self.directory = Path(place.read_text().strip())
        place.unlink()

    def _make_smaller(self) -> None:
        if self.smaller is None:
            return
        for config in self.directory.glob("param_optim/*.yaml"):
            text = config.read_text(encoding="utf-8")
            if text != self._written.get(config):
                settings = yaml.safe_load(text)
                self.smaller(settings)
                self._written[config] = yaml.safe_dump(settings, sort_keys=False)
                config.write_text(self._written[config], encoding="utf-8")
