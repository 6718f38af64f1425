#!/usr/bin/env python3
"""Draw what `orchestrator run` shows of a run on a terminal, as an SVG for the README.

    tools/terminal_picture.py RUN docs/images/terminal.svg [--looking-on] [--width 80]

The picture is of the run's state at this moment. It names no font of the network.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from orchestrator.display.terminal import render
from orchestrator.paths import run_paths
from orchestrator.status import Watcher

# background, foreground, the eight colours, the same bright: they keep apart for colour-blind eyes
_THEME = TerminalTheme(
    (29, 39, 51),
    (222, 228, 235),
    [
        (29, 39, 51),
        (224, 108, 84),
        (72, 187, 160),
        (227, 187, 82),
        (99, 165, 224),
        (196, 142, 222),
        (86, 197, 214),
        (222, 228, 235),
    ],
)
_FONTS = 'ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace'


def picture(run: Path, *, width: int, looking_on: bool) -> str:
    """Return the SVG."""
    paths = run_paths(run)
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    command = f"orchestrator status {paths.directory.name}" if looking_on else "orchestrator run config.yaml"
    console.print(Text(f"$ {command}", style="bold"))
    console.print(render(Watcher(paths).look(), looking_on=looking_on))
    svg = console.export_svg(title="orchestrator", theme=_THEME)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"font-family: [^;]+;", f"font-family: {_FONTS};", svg)


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("output", type=Path, help="SVG file")
    parser.add_argument("--looking-on", action="store_true", help="as orchestrator status shows it")
    parser.add_argument("--width", type=int, default=80, help="in columns")
    given = parser.parse_args(arguments)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(picture(given.run, width=given.width, looking_on=given.looking_on), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
