"""Reading and writing YAML: by libyaml, which is ten times faster, if PyYAML was built with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

# of a configuration, in which every mapping, list and number counts
_MOST_VALUES = 1_000_000
_SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_CLOCK = re.compile(r"[-+]?\d[\d_]*(:\d+)+(\.\d*)?")


class _Loader(_SAFE_LOADER):  # type: ignore[misc]
    """Reads ``16:00`` as the text that it is; for YAML 1.1 it is the number 960, with base 60."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode and implicit[0] and ":" in value and _CLOCK.fullmatch(value):
            return "tag:yaml.org,2002:str"
        return super().resolve(kind, value, implicit)


def write_yaml(value: Any, width: int, *, flow: bool = False) -> str:
    """Return a value of plain types as YAML, keys in their order.

    Parameters
    ----------
    value : object
        Mappings, lists, text, numbers, truth values and None.
    width : int
        The characters of a line after which it is broken, if it can be.
    flow : bool
        Whether mappings and lists are written in one line, with braces and brackets.

    Raises
    ------
    yaml.YAMLError
        If it holds anything else.
    """
    written = yaml.dump(
        value, Dumper=_DUMPER, default_flow_style=flow, sort_keys=False, allow_unicode=True, width=width
    )
    return str(written)


def read_yaml(text: str, look: Callable[[yaml.Node | None], None] = lambda _: None) -> Any:
    """Return what a text in YAML says, in which ``1:30`` is text; of several documents it refuses the second.

    Parameters
    ----------
    text : str
        YAML, or JSON, which is YAML too.
    look : callable
        Gets the text's nodes, which know their lines, before anything is made of them; what it raises ends the reading.

    Raises
    ------
    yaml.YAMLError
        If the text is not YAML, or far too large once its aliases are written out.
    RecursionError
        If it is nested too deeply, or holds itself by an alias.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        _require_size(node)
        look(node)
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        if error.problem and "nesting depth" in error.problem:  # libyaml's own limit, before Python's
            raise RecursionError(error.problem) from error
        raise
    finally:
        loader.dispose()


def read_mapping(text: str) -> dict[Any, Any]:
    """Return the keys and values of a text in YAML, whoever has written it.

    Raises
    ------
    ValueError
        If it is not YAML, or nothing with keys.
    """
    try:
        data = read_yaml(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    if not isinstance(data, dict):
        raise ValueError("expected keys such as 'max_ngen' and 'targets', got none")
    return data


def _require_size(root: yaml.Node | None) -> None:
    """Refuse a text of some lines whose aliases of aliases stand for billions of values."""
    sizes: dict[int, int] = {}

    def size_of(node: yaml.Node) -> int:
        if not isinstance(node, yaml.CollectionNode):
            return 1
        known = sizes.get(id(node))
        if known is None:
            sizes[id(node)] = 0  # of a node inside itself; what it stands for has no end
            parts = (
                node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
            )
            known = sizes[id(node)] = 1 + sum(map(size_of, parts))
        elif not known:
            raise RecursionError("holds itself by an alias")
        return known

    if root is not None and size_of(root) > _MOST_VALUES:
        raise yaml.YAMLError(f"expected at most {_MOST_VALUES} values, aliases written out")
