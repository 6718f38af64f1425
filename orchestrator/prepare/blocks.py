"""Lines of the configuration in blocks, each about one sheet."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

Block = tuple[str, list[str]]


def in_blocks(lines: Iterable[tuple[str, str]]) -> list[Block]:
    """Return ``(sheet, line)`` as one block for every run of lines about one sheet; their order stays."""
    runs = itertools.groupby(lines, key=lambda each: each[0])
    return [(sheet, [line for _, line in run]) for sheet, run in runs]
