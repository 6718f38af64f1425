"""Logs of simulations without what simulators always print."""

from __future__ import annotations

import re

# what NEST says when it starts and at every step, warnings of packages about themselves, and PyNN's attempt to compile
# its extensions, which fails wherever there is no compiler and harms nobody
_NOISE = re.compile(
    r"\s*(-- |CMake |Call Stack|make(\[\d+\])?: |\[ *\d+%\]|Scanning dependencies"
    r"|Copyright \(C\) .*NEST|Version: |Built +: |This program is provided AS IS|See the file LICENSE"
    r"|Problems or suggestions|Visit https://www\.nest|Type 'nest\.help|.*\[Info\]|.*nest-config"
    r"|.*\b(User|Deprecation|Future|PendingDeprecation)Warning\b)"
)
_CMAKE = re.compile(r"\s*(CMake |Call Stack)")


def without_noise(text: str) -> str:
    """Return a log without what simulators always print, and without messages of CMake."""
    kept, of_cmake = [], False
    for line in text.splitlines():
        if _CMAKE.match(line):
            of_cmake = True
        elif not of_cmake or (line.strip() and not line[0].isspace()):
            of_cmake = False
            if line.strip() and not _NOISE.match(line):
                kept.append(line)
    return "\n".join(kept)
