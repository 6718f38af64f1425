"""Names that are short enough for a figure and still tell things apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise, takewhile

# how often names that are still the same are cut elsewhere
_CUTS = 4


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
    return cut_apart(short, longest)


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
    return cut_apart(kept, longest)


def group_of(name: str) -> tuple[str, str]:
    """Return the sheet that a dotted name of a parameter is of, or its first component, and the rest of the name.

    ``sheets.l4_exc.Connection.base_weight`` is of ``l4_exc``; the group of a name without a dot is empty.
    """
    parts = name.split(".")
    at = 1 if parts[0] == "sheets" and len(parts) > 2 else 0
    return (parts[at], ".".join(parts[at + 1 :])) if len(parts) > 1 else ("", name)


def cut_apart(texts: Sequence[str], longest: int) -> list[str]:
    """Return texts of at most `longest` letters that keep what tells them apart; numbered if nothing else does.

    Of those that are too long, what they end and begin with alike goes, if that suffices. Otherwise the middle goes;
    where that leaves the same of several, all goes that is not around where they begin to differ. Texts that are the
    same stay so.
    """
    whole = list(dict.fromkeys(texts))
    found = dict(zip(whole, _without_ends(whole, longest) or _cut_apart(whole, longest), strict=True))
    return [found[text] for text in texts]


def _without_ends(texts: Sequence[str], longest: int) -> list[str]:
    """Return texts, the long ones without the end and beginning that these share; empty if they are still too long."""
    long = [text for text in texts if len(text) > longest]
    last = _alike([text[::-1] for text in long]) if len(long) > 1 else 0
    first = _alike([text[: len(text) - last] for text in long]) if len(long) > 1 else 0
    for begin in (0, first):
        if not all(text[begin : len(text) - last] for text in long):
            continue
        before, after = "…" if begin else "", "…" if last else ""
        within = [f"{before}{text[begin : len(text) - last]}{after}" for text in texts]
        cut = [text if len(text) <= longest else part for text, part in zip(texts, within, strict=True)]
        if max(map(len, cut), default=0) <= longest and len(set(cut)) == len(cut):
            return cut
    return []


def _cut_apart(texts: Sequence[str], longest: int) -> list[str]:
    cut = [elided(text, longest) for text in texts]
    for _ in range(_CUTS):
        again = Counter(cut)
        for same in [text for text, count in again.items() if count > 1]:
            rows = [n for n, text in enumerate(cut) if text == same]
            begin = _alike([texts[n] for n in rows])
            for n in rows:
                cut[n] = _around(texts[n], begin, longest)
    again = Counter(cut)
    return [f"{elided(text, longest - 5)} #{n}" if again[text] > 1 else text for n, text in enumerate(cut)]


def _alike(texts: Sequence[str]) -> int:
    """Return with how many letters all texts begin alike."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False)))


def _around(text: str, at: int, longest: int) -> str:
    """Return the part of a text around a position."""
    if len(text) <= longest:
        return text
    first = max(0, min(at - longest // 3, len(text) - longest + 1))
    last = first + longest - (2 if first else 1)
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def elided(text: str, longest: int) -> str:
    """Return `text`, without its middle if it is longer than `longest`."""
    if len(text) <= longest:
        return text
    begin = (longest - 1) // 2
    return f"{text[:begin]}…{text[len(text) - (longest - 1 - begin) :]}"


def plural(count: int, noun: str) -> str:
    """Return ``1 target``, ``3 targets``, ``64,000 evaluations``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
