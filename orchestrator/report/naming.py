"""Names that are short enough for a figure and still tell things apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise


def short_names(names: Sequence[str], longest: int = 44) -> list[str]:
    """Return dotted names without the components that are not needed to tell them apart, cut where still too long.

    ``sheets.l4_cortex_exc.L4ExcL4ExcConnection.base_weight`` becomes ``L4ExcL4ExcConnection.base_weight`` where another
    connection has a ``base_weight`` too, and ``sheets.l4_cortex_exc.params.cell.params.tau_m`` ``l4_cortex_exc…tau_m``.
    """
    parts = [name.split(".") for name in names]
    # how many names have a component and a last component
    shared = Counter((part, each[-1]) for each in parts for part in {*each[:-1], ""})
    short = []
    for name, each in zip(names, parts, strict=True):
        telling = [n for n in range(len(each) - 1) if shared[each[n], each[-1]] == 1]
        if shared["", each[-1]] == 1:
            short.append(each[-1])
        elif telling:
            short.append(_joined(each, (telling[-1], len(each) - 1)))
        else:
            pairs = combinations(range(len(each) - 2, -1, -1), 2)
            two = next((pair for pair in pairs if _only(parts, each, pair)), None)
            short.append(_joined(each, (two[1], two[0], len(each) - 1)) if two else name)
    return _distinct(short, longest)


def _only(parts: Sequence[Sequence[str]], own: Sequence[str], pair: tuple[int, int]) -> bool:
    """Return whether one name only has these two components and this last one."""
    needed = {own[n] for n in pair}
    return sum(each[-1] == own[-1] and needed <= set(each[:-1]) for each in parts) == 1


def _joined(parts: Sequence[str], which: Sequence[int]) -> str:
    text = parts[which[0]]
    for before, n in pairwise(which):
        text += ("." if n == before + 1 else "…") + parts[n]
    return text


def short_labels(labels: Sequence[str], longest: int = 44) -> list[str]:
    """Return labels of targets without the word Target at the end of the class, cut where still too long."""
    short = [label.replace("Target(", "(", 1).removesuffix("Target") or label for label in labels]
    again = Counter(short)
    kept = [text if again[text] == 1 else label for text, label in zip(short, labels, strict=True)]
    return _distinct(kept, longest)


def _distinct(texts: Sequence[str], longest: int) -> list[str]:
    cut = [elided(text, longest) for text in texts]
    again = Counter(cut)
    return [f"{elided(text, longest - 5)} #{n}" if again[text] > 1 else text for n, text in enumerate(cut)]


def elided(text: str, longest: int) -> str:
    """Return `text`, without its middle if it is longer than `longest`."""
    if len(text) <= longest:
        return text
    begin = (longest - 1) // 2
    return f"{text[:begin]}…{text[len(text) - (longest - 1 - begin) :]}"


def plural(count: int, noun: str) -> str:
    """Return ``1 target``, ``3 targets``, ``64,000 evaluations``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
