#!/usr/bin/env python
"""Writes docs/configuration.md, the reference of every key, from the code that reads the keys.

python tools/config_reference.py > docs/configuration.md
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator
from pathlib import PurePath

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from orchestrator.config.model import Config
from orchestrator.config.parameters import ExpressionOfOthers, ParameterRange
from orchestrator.config.plugin_sections import PluginPoint
from orchestrator.config.points import POINTS
from orchestrator.config.section import Section
from orchestrator.data import DataSource
from orchestrator.optimisers.priors import Choice, Prior

INTRODUCTION = """\
# Configuration

Every key of `config_optimisation.yaml`. YAML, so that JSON is read as well; unknown keys are refused. Durations are
seconds, or text such as `20h`, `90m`, `1d 12h`, `1-12:00:00`. On the command line, `--set jobs.ntasks=8` overrides a
key. What is under `jobs` was under `slurm` in older files, and is still accepted there. Editors find the same in a JSON
Schema, which `prepare` writes beside a configuration and `orchestrator schema` prints. This page is made from the code
by `tools/config_reference.py`.
"""


def rows(section: type[Section]) -> Iterator[str]:
    """Yield a table of the keys of a section, and of those that are sections inside it."""
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    yield from _rows(section, "")


def _rows(section: type[Section], before: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if section is Config and name in sections():
            meaning, kind, default = f"see [{name}](#{name})", "section", ""
        else:
            meaning, kind, default = field.description or "", type_name(field.annotation), default_of(field)
        of_several = typing.get_origin(field.annotation) in (typing.Union, types.UnionType)
        inside = [each for each in typing.get_args(field.annotation) if of_several and _is_section(each)]
        yield f"| `{before}{name}` | {kind} | {default} | {meaning} |".replace("  |", " |")
        for each in inside:
            yield from _rows(each, f"{before}{name}.")


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)


def sections() -> list[str]:
    """Return the keys of the top level that are sections of their own."""
    return [name for name, field in Config.model_fields.items() if section_of(field) is not None]


def section_of(field: FieldInfo) -> type[Section] | None:
    """Return the section that is written under a key, None if it is a value."""
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def plugins(point: PluginPoint) -> Iterator[str]:
    """Yield a table for each plug-in that a section may be of."""
    for name, plugin in point.known().items():
        default = ", the default" if name == point.default else ""
        yield from (f"### `{point.key}: {name}`{default}", "", plugin.documentation, "", *rows(plugin.options), "")


def default_of(field: FieldInfo) -> str:
    """Return a field's default as it would be written."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value in (None, PydanticUndefined) or value in ((), {}, []):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def type_name(annotation: object) -> str:
    """Return the type of a value in the words of a YAML file."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_name(each) for each in arguments if each is not type(None)))
    if origin is typing.Annotated:
        return type_name(arguments[0])
    if origin in (list, tuple):
        return "list"
    if origin is dict or annotation is dict:
        return "mapping"
    if isinstance(annotation, type):
        if issubclass(annotation, PurePath):
            return "path"
        if issubclass(annotation, Section):
            return "section"
        if annotation in (Prior, Choice):
            return "mapping"
        names = {bool: "true or false", int: "integer", float: "number", str: "text"}
        return names.get(annotation, annotation.__name__)
    return str(annotation)


def main() -> None:
    """Print the page."""
    lines = [INTRODUCTION, "## Top level", "", *rows(Config), ""]
    lines += ["### One of `parameters`", "", *rows(ParameterRange), "", *rows(ExpressionOfOthers), ""]
    lines += ["### One of `data`", "", *rows(DataSource), ""]
    for name in sections():
        section = section_of(Config.model_fields[name])
        lines += [f"## {name}", ""]
        if name in POINTS:
            lines += plugins(POINTS[name])
        elif section is not None:
            lines += [*rows(section), ""]
    sys.stdout.write("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
