"""Text of other programs as it may be shown: what simulations print is not for our terminals and pages to obey."""

from __future__ import annotations

import os
import re
import shlex

# ECMA-48: control sequences, operating system commands, and two-letter escapes
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# control characters but tab and line feed, those of eight bits, separators of lines that no terminal shows, and marks
# that reverse the order of letters
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

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


def command_line(*words: object) -> str:
    """Return a command that a person can copy into a shell, whatever is in its words, such as names of files."""
    return " ".join(map(_word, map(str, words)))


def _word(word: str) -> str:
    if word.isprintable() and plain(word) == word:
        return shlex.quote(word)
    # what a terminal would obey instead of show, in the notation of bash
    letters = (chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}" for byte in os.fsencode(word))
    return f"$'{''.join(letters)}'"
