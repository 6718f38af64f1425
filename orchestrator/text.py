"""Text of other programs as it may be shown: what simulations print is not for our terminals and pages to obey."""

from __future__ import annotations

import re

# ECMA-48: control sequences, operating system commands, and two-letter escapes
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# control characters but tab and line feed, those of eight bits, and marks that reverse the order of letters
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# attribute of a log record that holds the same as data, for JSON lines
LOG_DATA = "orchestrator_data"


def shortened(text: str, most: int) -> str:
    """Return `text`, without its middle if it has more than `most` characters."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} ... ({len(text) - 2 * half:,} characters left out) ... {text[-half:]}"


def plain(text: str) -> str:
    """Return `text` without colours, other control characters, and marks that reverse the order of letters."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
