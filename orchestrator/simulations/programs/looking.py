"""What the controller can know of a program, or of a function, from the files of its model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from orchestrator.simulations.base import Finding, Identity, Model
from orchestrator.simulations.programs.before import digests_of, matching
from orchestrator.simulations.programs.options import ProgramOptions

if TYPE_CHECKING:
    from orchestrator.config.model import Config

Options = TypeVar("Options", bound=ProgramOptions)


def name_clashes(model_dir: Path) -> list[Finding]:
    """Return that a module of the model has the name of a package of this program."""
    files = [
        (name, file)
        for name in ("orchestrator", "targets")
        for file in (model_dir / f"{name}.py", model_dir / name / "__init__.py")
        if file.exists()
    ]
    message = "{} stands in the way of this program's own {}, which jobs import; rename it"
    return [(("model_dir",), message.format(file, name)) for name, file in files[:1]]


class FilesModel(Model[Options]):
    """A model of which the configuration names files."""

    def problems(self, config: Config) -> list[Finding]:
        """Return patterns that no file fits."""
        return super().problems(config) or list(self._missing())

    def identity(self) -> Identity:
        """Return the digests of the files that are named, and of those that are prepared."""
        before = self.options.before
        return Identity({}, digests_of(self.model_dir, (*self.options.files, *(before.inputs if before else ()))))

    def _missing(self) -> Iterator[Finding]:
        before = self.options.before
        named: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(("simulation", "files"), self.options.files)]
        if before is not None:
            named.append((("simulation", "before", "inputs"), before.inputs))
        for key, patterns in named:
            for n, (pattern, names) in enumerate(matching(self.model_dir, patterns)):
                if not names:
                    yield (*key, n), f"no file in {self.model_dir} fits {pattern!r}"
