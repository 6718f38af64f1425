"""Shell lines of the user's that go before a program, so that one that fails is named."""

from __future__ import annotations

from collections.abc import Sequence


def watched(lines: Sequence[str], key: str, *, end: bool) -> list[str]:
    """Return the lines, with what tells which of them fails.

    A line fails if its own exit code is not 0; what a sourced script or a function does inside is its own affair,
    whatever ``set -e`` says around. The script's ``set -e`` holds again in the end.

    Parameters
    ----------
    lines : sequence of str
        In bash; a command may go over several of them.
    key : str
        Where they are in the configuration.
    end : bool
        Whether a line that fails ends the script with its exit code.
    """
    if not lines:
        return []
    said = f'echo "{key}, line $(($2 - _setup_begin)): exit code $1 from: $3" >&2'
    after = 'exit "$1"' if end else ":"
    # $4: how many files deep the line is, 1 in the script itself
    told = f'_setup_failed() {{ if [ "$4" -le 1 ]; then {said}; {after}; fi; }}'
    trap = 'trap \'_setup_failed "$?" "$LINENO" "$BASH_COMMAND" "${#BASH_SOURCE[@]}"\' ERR'
    return [
        f"_setup_flags=$-; set +e; {told}; {trap}; _setup_begin=$LINENO",
        *lines,
        "trap - ERR; case $_setup_flags in *e*) set -e ;; esac",
    ]
