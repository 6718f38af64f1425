#!/usr/bin/env python
"""Writes docs/commands.md, the reference of every command, from the functions that carry the commands out.

python tools/command_reference.py > docs/commands.md
"""

from __future__ import annotations

import html
import inspect
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from typer.models import ArgumentInfo, OptionInfo

from orchestrator.cli import app

INTRODUCTION = """\
# Commands

Every command and option of `orchestrator`. `orchestrator COMMAND -h` says the same. `orchestrator --install-completion`
teaches your shell (bash, zsh, fish) to complete them with the Tab key. This page is made from the code by
`tools/command_reference.py`.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed; the message says why |
| 2 | wrong usage, or something is wrong with the configuration; nothing was submitted |
| 3 | stopped by a signal; it can be continued |

Messages about errors go to standard error. `orchestrator --version` prints the version.
"""
# in the order in which they are used; a test finds a command that is left out
ORDER = (
    "prepare",
    "check",
    "run",
    "status",
    "cancel",
    "best",
    "front",
    "validate",
    "report",
    "posterior",
    "score",
    "export",
    "schema",
)
WIDTH = 120


class Parameter:
    """An argument or option of a command, as it is on the command line."""

    def __init__(self, name: str, annotation: object, default: object):
        kind, *more = typing.get_args(annotation)
        (self.info,) = (each for each in more if isinstance(each, (ArgumentInfo, OptionInfo)))
        self.is_option = isinstance(self.info, OptionInfo)
        self.kinds = [each for each in (typing.get_args(kind) or (kind,)) if each is not type(None)]
        self.is_list = typing.get_origin(kind) is list or any(typing.get_origin(each) is list for each in self.kinds)
        self.default = default
        # of an option in Annotated typer takes the first name for a default at first
        decls = [each for each in (self.info.default, *(getattr(self.info, "param_decls", None) or ())) if each]
        decls = [each for each in decls if isinstance(each, str)] or [f"--{name.replace('_', '-')}"]
        self.metavar = self.info.metavar or ("" if self.is_flag else name.upper())
        self.names = [each for each in decls if each.startswith("-")] if self.is_option else [self.metavar]

    @property
    def is_flag(self) -> bool:
        """Whether it is given without a value."""
        return self.is_option and self.kinds == [bool]

    @property
    def is_required(self) -> bool:
        """Whether the command needs it."""
        return self.default is inspect.Parameter.empty

    @property
    def usage(self) -> str:
        """The parameter in the line that shows how the command is called."""
        several = " ..." if self.is_list and not self.metavar.endswith("...") else ""
        if not self.is_option:
            return f"{self.metavar}{several}" if self.is_required else f"[{self.metavar}{several}]"
        word = self.names[0] if self.is_flag else f"{self.names[0]} {self.value}"
        return f"{word}{several}" if self.is_required else f"[{word}]{several}"

    @property
    def value(self) -> str:
        """What stands for an option's value."""
        (kind, *_) = self.kinds
        if isinstance(kind, type) and issubclass(kind, Enum):
            return "|".join(each.value for each in kind)
        return self.metavar

    @property
    def row(self) -> str:
        """The parameter in the table."""
        value = "" if self.is_flag or not self.is_option else f" {self.value}"
        names = ", ".join(_code(f"{name}{value}") for name in self.names)
        return f"| {names} | {self._shown_default} | {' '.join((self.info.help or '').split())} |".replace(
            "|  |", "| |"
        )

    @property
    def _shown_default(self) -> str:
        if self.is_required:
            return "required"
        if isinstance(self.info.show_default, str):
            return f"`{self.info.show_default}`"
        if self.default is None or isinstance(self.default, bool):
            return ""
        return f"`{self.default.value if isinstance(self.default, Enum) else self.default}`"


def _code(text: str) -> str:
    """Return code for a cell of a table, in which a pipe would end the cell, or be shown with a backslash."""
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def commands() -> dict[str, Callable[..., Any]]:
    """Return the functions of the commands by their names."""
    functions = [command.callback for command in app.registered_commands if command.callback]
    return {function.__name__: function for function in functions}


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """Return a command's arguments and then its options."""
    hints = typing.get_type_hints(function, include_extras=True)
    signature = inspect.signature(function).parameters
    found = [Parameter(name, hints[name], each.default) for name, each in signature.items()]
    return sorted(found, key=lambda each: each.is_option)


def section(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """Yield the lines about one command."""
    parameters = parameters_of(function)
    words = " ".join(each.usage.replace(" ", "\0") for each in parameters)
    head, indent = f"orchestrator {name} ", " " * 4
    usage = textwrap.fill(words, WIDTH - 20, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)
    lines = usage.replace("\0", " ").splitlines() or [head.strip()]
    yield from (f"## {name}", "", "```text", *lines, "```", "")
    for paragraph in inspect.cleandoc(function.__doc__ or "").split("\n\n"):
        yield from (*textwrap.wrap(" ".join(paragraph.split()), WIDTH, break_on_hyphens=False), "")
    if parameters:
        yield from ("| | default | |", "|---|---|---|", *(each.row for each in parameters), "")


def main() -> None:
    """Print the page."""
    functions = commands()
    lines = [INTRODUCTION]
    for name in (*ORDER, *(each for each in sorted(functions) if each not in ORDER)):
        lines += section(name, functions[name])
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
