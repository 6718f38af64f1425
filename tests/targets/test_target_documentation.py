"""docs/targets.md says what the code does."""

from __future__ import annotations

import re

import target_table

import targets

TEXT = target_table.DOCUMENT.read_text(encoding="utf-8")


def test_the_sections_are_those_of_the_code() -> None:
    written = TEXT.partition(target_table.BEGIN)[2].partition(target_table.END)[0]
    assert written.strip() == target_table.sections().strip(), "run tools/target_table.py --write"
    for name, cls in targets.known_targets().items():
        assert re.search(rf"^### (.*, )?{name}(,|$)", written, re.MULTILINE)
        assert all(f"| `{option}` |" in TEXT for option in cls.model_fields)


def test_the_example_is_the_one_that_is_tested() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    tested = re.sub(r"^    ", "", targets.__doc__ or "", flags=re.MULTILINE)
    assert re.sub(r"\n+", "\n", code) in re.sub(r"\n+", "\n", tested)
