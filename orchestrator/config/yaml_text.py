"""Reading YAML: by libyaml, which is ten times faster, if PyYAML was built with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, look: Callable[[yaml.Node | None], None] = lambda _: None) -> Any:
    """Return what a text in YAML says; of several documents it refuses the second.

    Parameters
    ----------
    text : str
        YAML, or JSON, which is YAML too.
    look : callable
        Gets the text's nodes, which know their lines, before anything is made of them; what it raises ends the reading.

    Raises
    ------
    yaml.YAMLError
        If the text is not YAML.
    RecursionError
        If it is nested too deeply.
    """
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        look(node)
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        if error.problem and "nesting depth" in error.problem:  # libyaml's own limit, before Python's
            raise RecursionError(error.problem) from error
        raise
    finally:
        loader.dispose()
