"""report.html kept up to date beside the controller, in a process of its own: drawing must cost the run nothing."""

from __future__ import annotations

import logging
import subprocess
import sys

from orchestrator.paths import RunPaths

_LOG = logging.getLogger(__name__)
# how long the end of a run waits for its last report, in s
_PATIENCE = 120.0


class ReportRefresher:
    """Writes a run's report after every generation.

    Parameters
    ----------
    paths : RunPaths
        The run.
    wanted : bool
        Whether to do anything at all.
    """

    def __init__(self, paths: RunPaths, *, wanted: bool):
        self._paths = paths
        self._wanted = wanted
        self._writing: subprocess.Popen[str] | None = None

    def refresh(self, ended: str = "") -> None:
        """Start to write it, unless that is still being done for the generation before.

        Parameters
        ----------
        ended : str
            Why the run has ended, if so.
        """
        if not self._wanted or not self._is_over():
            return
        command = [sys.executable, "-m", "orchestrator.report", str(self._paths.directory.resolve()), ended]
        quiet = subprocess.DEVNULL
        try:
            # not of the terminal's process group: Ctrl-C is the controller's
            self._writing = subprocess.Popen(
                command,
                # away from the model: python -m looks for modules in the working directory first
                cwd=self._paths.directory,
                stdin=quiet,
                stdout=quiet,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            _LOG.warning("report.html is not written: %s", error)

    def finish(self, reason: str) -> None:
        """Write it once more, with why the run has ended, and wait until that is done."""
        self._wait()
        self.refresh(reason)
        self._wait()

    def _wait(self) -> None:
        if self._writing is not None:
            try:
                self._writing.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._writing.kill()
            self._is_over()

    def _is_over(self) -> bool:
        if self._writing is None:
            return True
        code = self._writing.poll()
        if code is None:
            return False
        said = self._writing.communicate()[1].strip()
        if code:
            last = said.rpartition("\n")[2] or f"exit code {code}"
            _LOG.warning("report.html is not written: %s", last)
        self._writing = None
        return True
