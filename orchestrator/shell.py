"""Shell lines of a configuration as part of a script: one that fails ends the script, and says which it is."""

from __future__ import annotations

from collections.abc import Sequence

# Not `set -e`: it would also end what is sourced, such as scripts of conda, in which commands may fail. The handler of
# ERR hears of those too, at a depth of 2. The exit code of a sourced script is that of its last command, and means
# nothing unless the file is not there.
_BEFORE = """\
case $- in *e*) _setup_errexit=-e ;; *) _setup_errexit=+e ;; esac
set +e
_setup_failed() {{
    [ "$2" = 1 ] || return
    local line="line $(($3 - _setup_start)) of {key}" text command=${{4%%[<>&]*}}
    text=$(sed -n "$3p" "$0" 2>/dev/null)
    text=${{text:-$4}}
    case $command in
        *'('* | *'`'*) ;;
        'source '* | '. '*)
            if (eval "set -- $command" && {{ [ -f "$2" ] || [ -f "$(type -P -- "$2")" ]; }}) 2>/dev/null; then
                echo "orchestrator: $line ended with exit code $1, and that of a script is passed over: $text" >&2
                return
            fi ;;
    esac
    trap - EXIT
    echo "orchestrator: $line failed with exit code $1 (if it may, add || true): $text" >&2
    exit "$1"
}}
trap '_setup_failed $? ${{#BASH_SOURCE[@]}} $LINENO "$BASH_COMMAND"' ERR
trap 'echo "orchestrator: the lines of {key} ended the script with exit code $? (by exit, set -e or set -u)" >&2' EXIT
_setup_start=$LINENO"""
_AFTER = """\
trap - ERR EXIT
set $_setup_errexit"""


def guarded(lines: Sequence[str], key: str) -> list[str]:
    """Return lines for a script of bash that execute these, and end it with a message if one of them fails.

    Parameters
    ----------
    lines : sequence of str
        What a user wrote; constructs may go over several lines.
    key : str
        Key of the configuration that holds them, for the message, such as ``jobs.setup``.
    """
    return [*_BEFORE.format(key=key).splitlines(), *lines, *_AFTER.splitlines()] if lines else []
