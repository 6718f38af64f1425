"""Leads references by ``url(...)`` from the base folder of parameters into another one, such as the optimisation's."""

from __future__ import annotations

import ast
import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.parameters.file import Edit, ParameterFile, called, text_of, url_calls


@dataclass(frozen=True)
class Rewritten:
    """One reference that was led elsewhere.

    Parameters
    ----------
    place : str
        The place of its url, ``file:line:column``.
    old, new : str
        The url as it was and as it is now.
    """

    place: str
    old: str
    new: str


@dataclass(frozen=True)
class Redirection:
    """References into `base` become references into `target`, both folders of the model's directory.

    mozaik opens urls relative to the working directory, which is the model's.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory, which mozaik works in.
    base : pathlib.Path
        The folder that references lead into, relative to it.
    target : str
        The folder that they will lead into, relative to it.
    """

    model_dir: Path
    base: Path
    target: str

    def __call__(self, url: str) -> str | None:
        """Return the new url, or None if it does not lead into the base folder."""
        if (length := self._length_of_folder(url)) is None:
            return None
        return self.folder_like(url) + url[length:]

    def folder_like(self, url: str) -> str:
        """Return the target folder written as `url` is: absolute, from ``./``, or plainly relative."""
        if posixpath.isabs(url):
            return str(self.model_dir / self.target)
        return f"./{self.target}" if url.startswith("./") else self.target

    def _length_of_folder(self, url: str) -> int | None:
        if "://" in url:
            return None
        folder = os.path.realpath(self.model_dir / self.base)
        ends = [index for index, letter in enumerate(url) if letter == "/" and index > 0]
        # the last that fits: param/../param/x is param_optim/x
        for end in reversed(ends):
            rest = posixpath.normpath(url[end:].lstrip("/") or ".")
            inside = rest != "." and not rest.startswith("..")
            if inside and os.path.realpath(self.model_dir / url[:end]) == folder:
                return end
        return None

    def edits(self, file: ParameterFile) -> Iterator[tuple[Edit, Rewritten]]:
        """Yield an edit for every reference into the base folder; only the folder's name changes in the text.

        Raises
        ------
        orchestrator.errors.UsageError
            If a url is computed: nobody but mozaik knows then where it leads.
        """
        for node, argument in url_calls(file.expression):
            url = text_of(argument)
            if url is None:
                if called(node, "url") is not None:
                    raise UsageError(
                        f"{file.place(argument)}: url({ast.unparse(argument)}) is computed; expected one plain string "
                        f"such as url('{self.base}/file'). Write the file's name out"
                    )
                continue
            new = self(url)
            if new is not None:
                yield self._edit(file, argument, url, new), Rewritten(file.place(argument), url, new)

    def expression(self, source: str) -> str:
        """Return an expression, as `ast.unparse` writes it, with the references in it led over."""
        tree = ast.parse(source, mode="eval").body
        for _, argument in url_calls(tree):
            if isinstance(argument, ast.Constant) and (url := text_of(argument)) is not None:
                argument.value = self(url) or url
        return ast.unparse(tree)

    def _edit(self, file: ParameterFile, literal: ast.expr, url: str, new: str) -> Edit:
        start, end = file.span(literal)
        raw = file.content[start:end]
        if raw[1:-1] == url.encode():  # one pair of quotes, no escapes: the folder's name alone is replaced
            length = self._length_of_folder(url) or 0
            return Edit(start + 1, start + 1 + len(url[:length].encode()), self.folder_like(url).encode())
        return Edit(start, end, repr(new).encode())
