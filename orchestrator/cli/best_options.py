"""Which options of ``orchestrator best`` go together."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.errors import UsageError

# of these it does one
_WHAT = ("--yaml", "--overrides", "--apply", "--reevaluate", "--reevaluated", "--traces")
_NOT_TOGETHER = {
    "--json": ("--yaml", "--overrides", "--apply", "--traces"),
    "--top": ("--apply", "--reevaluate", "--reevaluated", "--traces", "--rank"),
    "--rank": ("--reevaluate",),
    "--front": ("--reevaluated",),
}
_ONLY_WITH = {
    "--rank": ("--apply", "--traces", "--front"),
    "--target": ("--front",),
    "--base-param": ("--apply",),
    "--seeds": ("--reevaluate",),
    "--set": ("--reevaluate",),
    "--force": ("--apply", "--reevaluate"),
}
_INSTEAD = {
    **{("--top", name): "; --rank says which of the best" for name in ("--apply", "--traces")},
    ("--top", "--reevaluate"): "; --reevaluate N says how many of the best",
}


def check_together(options: Mapping[str, bool]) -> None:
    """Refuse options that do not go together, rather than pass over one of them.

    Parameters
    ----------
    options : mapping of str to bool
        Whether each is given.

    Raises
    ------
    orchestrator.errors.UsageError
        With those that do not fit.
    """
    given = [name for name, is_given in options.items() if is_given]
    what = [name for name in _WHAT if name in given]
    if len(what) > 1:
        raise UsageError(f"best: {' and '.join(what)} do not go together; give one of them")
    for name, others in _NOT_TOGETHER.items():
        for other in others:
            if name in given and other in given:
                raise UsageError(f"best: {name} does not go with {other}{_INSTEAD.get((name, other), '')}")
    for name, needed in _ONLY_WITH.items():
        if name in given and not set(needed) & set(given):
            raise UsageError(f"best: {name} goes only with {' or '.join(needed)}")
