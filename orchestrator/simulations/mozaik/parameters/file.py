"""One parameter file: its expression with the exact place of everything in it, and edits that leave the rest alone."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UsageError

_LINE_END = re.compile(rb"\r\n|\r|\n")


class ParameterFileError(UsageError):
    """A parameter file that cannot be read; the message has its place."""


@dataclass(frozen=True)
class Edit:
    """Some bytes of a file that are replaced.

    Parameters
    ----------
    start, end : int
        The first byte that is replaced, and the first one after it that stays.
    new : bytes
        What comes in their place.
    """

    start: int
    end: int
    new: bytes


class ParameterFile:
    """A file of the package parameters: a Python expression, parsed and never evaluated.

    Parameters
    ----------
    path : pathlib.Path
        The file's place in the file system.
    shown : str
        What messages call it, such as ``param/defaults``.

    Raises
    ------
    ParameterFileError
        If it cannot be read or is no expression; the message has line and column.
    """

    def __init__(self, path: Path, shown: str):
        self.path, self.shown = path, shown
        try:
            self.content = path.read_bytes()
        except OSError as error:
            raise ParameterFileError(f"{shown}: cannot be read: {error.strerror}") from error
        text = self._decoded()
        # blanks around the expression, which eval passes over, are an indentation to ast
        self._lead = len(text[: len(text) - len(text.lstrip())].encode())
        ends = [found.end() for found in _LINE_END.finditer(self.content)]
        self._starts = [self._lead, *(end for end in ends if end > self._lead)]
        try:
            self.expression = _expression_of(text.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ParameterFileError(f"{self._place_of(error)}: {_reason(error)}") from error

    def _decoded(self) -> str:
        try:
            return self.content.decode("utf-8")
        except UnicodeDecodeError as error:
            message = f"byte 0x{self.content[error.start]:02x} is not UTF-8: save the file with the encoding UTF-8"
            raise ParameterFileError(f"{self._shown_at(error.start)}: {message}") from error

    def _place_of(self, error: BaseException) -> str:
        if isinstance(error, SyntaxError) and error.lineno and error.lineno <= len(self._starts):
            start = self._starts[error.lineno - 1]
            line = self.content[start:].decode("utf-8")
            return self._shown_at(start + len(line[: max(error.offset or 1, 1) - 1].encode()))
        return self.shown

    def _shown_at(self, offset: int) -> str:
        """Return ``file:line:column`` of a byte, counted from 1, columns in characters."""
        before = self.content[:offset]
        start = max((found.end() for found in _LINE_END.finditer(before)), default=0)
        column = len(before[start:].decode("utf-8", errors="replace")) + 1
        return f"{self.shown}:{len(_LINE_END.findall(before)) + 1}:{column}"

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Return the bytes of the file that a node stands for: start and end."""
        # expressions always have an end; the type of ast says they may not
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[end_line - 1] + end_column

    def place(self, node: ast.expr) -> str:
        """Return ``file:line:column`` of a node, for messages."""
        return self._shown_at(self.span(node)[0])

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the content with some spans replaced, everything else byte for byte as it was."""
        pieces, position = [], 0
        for edit in sorted(set(edits), key=lambda each: each.start):
            if edit.start < position:
                raise ValueError(f"{self.shown}: two edits of byte {edit.start}")
            pieces += [self.content[position : edit.start], edit.new]
            position = edit.end
        return b"".join([*pieces, self.content[position:]])


@functools.lru_cache(maxsize=256)  # the same files are read at several steps of a command
def _expression_of(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _reason(error: BaseException) -> str:
    what = getattr(error, "msg", None) or (str(error) if isinstance(error, ValueError) else "too deeply nested")
    return f"is not a parameter file: {what}. Expected one expression such as {{'name': value, ...}}; fix it"


def called(node: ast.expr, *names: str) -> ast.expr | None:
    """Return the first argument of a call of one of the `names`, None for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
        return node.args[0]
    return None


def text_of(node: ast.expr | None) -> str | None:
    """Return the text of a string literal, None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def url_calls(expression: ast.expr) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield every call of ``url`` or ``ParameterSet`` in an expression, with its first argument."""
    for node in ast.walk(expression):
        if isinstance(node, ast.Call) and (argument := called(node, "url", "ParameterSet")) is not None:
            yield node, argument
