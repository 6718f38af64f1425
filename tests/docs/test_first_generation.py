"""What has to be written for a first generation, as benchmarks/first_generation.py counts it on a cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from shown import ROOT, Block

sys.path.insert(0, str(ROOT / "benchmarks"))

import first_generation
from first_generation import PROGRAMS, README, Done


@pytest.mark.parametrize(("page", "lines"), [(README, 0), (PROGRAMS, 9)])
def test_pages_show_at_most_three_commands_and_fewer_than_ten_lines(page: str, lines: int, tmp_path: Path) -> None:
    assert first_generation.write(page, tmp_path) == lines
    assert Done(len(first_generation.commands(page)), lines, 1.0, 1).is_short


@pytest.mark.parametrize(
    ("done", "short"),
    [
        (Done(3, 9, 4.0, 6), True),
        (Done(4, 9, 4.0, 6), False),
        (Done(3, 10, 4.0, 6), False),
        (Done(3, 9, 4.0, 0), False),
    ],
)
def test_a_goal_that_is_missed_is_told(done: Done, short: bool) -> None:
    assert done.is_short == short
    assert done.to_json()["lines"] == done.lines


def test_lines_are_those_of_all_files_without_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [
        Block("page", 1, "python", "# cell.py\n\n# said\nx = 1\n"),
        Block("page", 9, "sh", "orchestrator run\n"),
        Block("page", 12, "yaml", "# config.yaml\nseed: 1\nmax_ngen: 2  # few\n"),
    ]
    monkeypatch.setattr(first_generation, "blocks", lambda page: shown)
    assert first_generation.write("page", tmp_path) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cell.py", "config.yaml"]
    shown.append(Block("page", 20, "yaml", "seed: 2\n"))
    with pytest.raises(ValueError, match="page:20: the reader is not told to which file"):
        first_generation.write("page", tmp_path)
