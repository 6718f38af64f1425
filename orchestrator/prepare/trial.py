"""What a preparation would write, put together beside the model so that it can be looked at."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from orchestrator.prepare.apply import Writing


@contextlib.contextmanager
def written_elsewhere(plan: Writing) -> Iterator[Path]:
    """Yield a directory with the plan's files and links to all else of the model; it is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="prepare-") as folder:
        trial = Path(folder) / plan.model_dir.name
        # parameters may be shared with the models beside it
        for each in plan.model_dir.parent.iterdir():
            if each.name != trial.name:
                Path(folder, each.name).symlink_to(each)
        _link(plan.model_dir, trial, PurePosixPath(), plan.files)
        for name, content in plan.files.items():
            path = trial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                path.symlink_to(content.resolve())
            else:  # absolute references lead into the model's directory
                path.write_bytes(content.replace(f"{plan.model_dir}/".encode(), f"{trial}/".encode()))
        yield trial


def _link(source: Path, copy: Path, at: PurePosixPath, files: Collection[str]) -> None:
    """Make a folder with links to what is in `source`, but for these files and the folders that they are in."""
    copy.mkdir()
    folders = {folder for file in files for folder in PurePosixPath(file).parents}
    for each in source.iterdir():
        name = at / each.name
        if name not in folders and str(name) not in files:
            (copy / each.name).symlink_to(each)
        elif name in folders and each.is_dir() and not each.is_symlink():
            _link(each, copy / each.name, name, files)
