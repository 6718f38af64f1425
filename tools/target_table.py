"""Writes what docs/targets.md says of each target, from the code.

python tools/target_table.py            print it
python tools/target_table.py --write    put it into docs/targets.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from targets import PointTarget, Target, known_targets

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "targets.md"
BEGIN, END = "<!-- begin: tools/target_table.py -->\n", "<!-- end: tools/target_table.py -->\n"


def _text(docstring: str | None) -> str:
    """Return a docstring's paragraphs before its sections as Markdown."""
    paragraphs = re.split(r"\n\s*\n", re.split(r"\n\s*\n\s*\w+\n\s*---", docstring or "")[0])
    return "\n\n".join(" ".join(each.split()).replace("``", "`") for each in paragraphs)


def _default(cls: type[Target], option: str) -> str:
    field = cls.model_fields[option]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default == []:
        return "none"
    return f"{default:.6g}" if isinstance(default, float) else str(default)


def _needs(cls: type[Target]) -> str:
    """Return what a target with the default options needs, as a sentence."""
    required = _required(cls)
    if "sheet_name" not in required:
        return ""
    options = dict.fromkeys(required, "any") | {"target_value": cls.any_target_value, "norm": 1}
    needs = cls.model_validate(options).needs
    recorded = ", ".join(" or ".join(f"`{name}`" for name in each.variables) for each in needs.recorded)
    presented = []
    for each in needs.presented:
        values = ", ".join(f"{name} {value:.4g}" for name, value in each.parameters.items())
        presented.append(f"`{each.name}`" + (f" of {values}" if values else ""))
    located = "".join(f"; neurons {each.words}" for each in needs.located)
    return f" Needs {recorded} recorded, and presented: {'; '.join(presented)}{located}." if recorded else ""


def section(names: Sequence[str], cls: type[Target]) -> str:
    """Return what there is to say of the targets of one value, which differ in kind."""
    value = cls if "value" in vars(cls) else cls.__bases__[0]  # the kind is the second
    kinds = [known_targets()[name].wanted_kind for name in names]
    unit = (cls.unit or "none, a pure number") if isinstance(cls.unit, str) else "that of the trace or of the data"
    heading = f"Kind{'s' if len(names) > 1 else ''}: {', '.join(kinds)}. Unit: {unit}.{_needs(cls)}"
    lines = [f"### {', '.join(names)}", "", heading, "", _text(value.__doc__), ""]
    common = {"sheet_name", *PointTarget.model_fields}
    options = [option for option in cls.model_fields if option not in common]
    if options:
        lines += ["| option | default | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{each}` | {_default(cls, each)} | {cls.model_fields[each].description} |" for each in options]
        lines.append("")
    return "\n".join(lines)


def sections() -> str:
    """Return the sections of all targets, one for each value."""
    by_value: dict[type[Target], list[str]] = {}
    for name, cls in known_targets().items():
        alone = "value" in vars(cls) or "sheet_name" in _required(cls)
        by_value.setdefault(cls if alone else cls.__bases__[0], []).append(name)
    return "\n".join(section(names, known_targets()[names[0]]) for names in by_value.values())


def _required(cls: type[Target]) -> set[str]:
    return {name for name, field in cls.model_fields.items() if field.is_required()}


def main() -> None:
    """Print the sections, or write them."""
    if "--write" not in sys.argv[1:]:
        print(sections())
        return
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{sections()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
