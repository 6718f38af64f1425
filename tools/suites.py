#!/usr/bin/env python3
"""All tests: the quick core on all cores, then those that mostly wait beside those that compute.

    tools/suites.py    # tools/test runs it when it is given no arguments

If anything fails in the core, the rest is not run. Then two runs of pytest go on side by side, each on a virtual SLURM
cluster of its own: tests that wait for SLURM, whose output is shown as it comes, and tests that run small optimisations
on this machine, simulate networks, open browsers and execute notebooks, which give way to the former. When those that
wait have ended, a third run begins on all cores, beside what the second has left to do: tests that need little more
than their own process, which optimise with each method, give commands of the program, draw figures, damage files and
compare with other libraries. The output of the second and the third is shown at the end. Ctrl-C and SIGTERM end all of
it. The last line is a summary as pytest's; the exit code is 0 if all passed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO

TOOLS = Path(__file__).resolve().parent
# marks of tests that nothing disturbs which goes on beside them, so that several are run at a time
UNDISTURBED = ("methods", "commands", "drawing", "hostile", "reference")
_UNDISTURBED = " or ".join(UNDISTURBED)
_PROGRAMS = "run or mozaik or simulators or browser or notebooks"
WAITING = "slurm and not (mozaik or simulators or browser or notebooks)"
COMPUTING = f"({_PROGRAMS}) and not ({WAITING})"
IN_PROCESS = f"({_UNDISTURBED}) and not (slurm or {_PROGRAMS})"
CORE = f"not (slurm or {_PROGRAMS} or {_UNDISTURBED})"
PYTEST = (sys.executable, "-m", "pytest", "--color=no", "--durations=15")
ON_CLUSTER = (sys.executable, str(TOOLS / "slurm_cluster.py"), "run", "--")
# the order of pytest's own summary
WORDS = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "errors")
_COUNT = re.compile(rf"(\d+) ({'|'.join(word.rstrip('s') for word in WORDS)})s?\b")
_NICE = 10


class Suite:
    """One run of pytest, whose output goes to a file.

    Parameters
    ----------
    name : str
        What it is called in messages.
    command : tuple of str
        The program and its arguments.
    nice : int
        By how much its priority is lower.
    after : Suite, optional
        What has to end before it begins.
    """

    def __init__(self, name: str, command: tuple[str, ...], nice: int = 0, after: Suite | None = None):
        self.name = name
        self.output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the suite)
        self._command = ("nice", "-n", str(nice), *command)
        self._after = after
        self._process: subprocess.Popen[bytes] | None = None
        self._shown = 0
        self.begin()

    def begin(self) -> None:
        """Start it, unless it has been started or its turn has not come."""
        if self._process is not None or (self._after is not None and self._after.code is None):
            return
        # in a session of its own, so that a Ctrl-C of the terminal reaches it once, by `stop`
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def code(self) -> int | None:
        """Exit code; None until it has ended."""
        return None if self._process is None else self._process.poll()

    def show(self) -> None:
        """Print what has been written since the last time."""
        text = os.pread(self.output.fileno(), 1 << 24, self._shown)
        self._shown += len(text)
        sys.stdout.write(text.decode(errors="replace"))
        sys.stdout.flush()

    def counts(self) -> Counter[str]:
        """Return how many tests passed, failed, ..., of pytest's last line."""
        size = os.fstat(self.output.fileno()).st_size
        text = os.pread(self.output.fileno(), size, 0).decode(errors="replace")
        summaries = [line for line in text.splitlines() if re.search(r" in [\d.]+s\b", line)]
        found = _COUNT.findall(summaries[-1]) if summaries else []
        return Counter({next(word for word in WORDS if word.startswith(name)): int(n) for n, name in found})

    def stop(self) -> None:
        """End it as Ctrl-C does, so that it stops what it has started; wait for that."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait()


def run(suites: list[Suite]) -> None:
    """Show the first suite as it goes on and the others at their end; an interruption ends them all."""
    first, *others = suites
    try:
        while any(suite.code is None for suite in suites):
            for suite in others:
                suite.begin()
            first.show()
            time.sleep(0.2)
        first.show()
    except BaseException:
        for suite in suites:
            suite.stop()
        raise
    for suite in others:
        print(f"\n{f' {suite.name} ':=^100}", flush=True)
        suite.show()


def summary(suites: list[Suite], seconds: float) -> str:
    """Return the line that pytest would have ended with, had it been one run."""
    total = sum((suite.counts() for suite in suites), Counter[str]())
    del total["deselected"]  # by one, and run by another
    broken = sum(suite.code not in (0, 1) for suite in suites)
    total["errors"] += broken  # runs that did not come to their end are no tests, and must not look like success
    parts = ", ".join(_counted(total[word], word) for word in WORDS if total[word]) or "no tests ran"
    return f" {parts} in {seconds:.2f}s ".center(100, "=")


def _counted(number: int, word: str) -> str:
    return f"{number} {word.removesuffix('s') if number == 1 else word}"


def main() -> int:
    """Run all suites; return 0 if all passed, 1 if a test failed, 130 after Ctrl-C."""
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parallel = ("-n", "auto") if (os.cpu_count() or 1) > 1 else ()
    done: list[Suite] = []
    try:
        done.append(Suite("core", (*PYTEST, *parallel, "-m", CORE)))
        run(done)
        if done[0].code == 0:
            waiting = Suite("tests that wait", (*ON_CLUSTER, *PYTEST, "-m", WAITING))
            rest = [
                waiting,
                Suite("tests that compute", (*ON_CLUSTER, *PYTEST, "-m", COMPUTING), _NICE),
                Suite("tests on all cores", (*PYTEST, *parallel, "-m", IN_PROCESS), _NICE, after=waiting),
            ]
            done += rest
            run(rest)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    print(summary(done, time.monotonic() - begin), flush=True)
    return int(any(suite.code != 0 for suite in done))


if __name__ == "__main__":
    sys.exit(main())
