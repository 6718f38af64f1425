"""The texts that come with the distribution, with the model's own values filled in."""

from __future__ import annotations

from typing import Any

import jinja2

from orchestrator.paths import shipped


def render(name: str, **values: Any) -> str:
    """Return a shipped jinja template with its values filled in."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    return environment.from_string(shipped(name).read_text(encoding="utf-8")).render(**values)
