"""Shell lines of a user's that go before a program, so that one that fails is named."""

from __future__ import annotations

from collections.abc import Sequence

# $1 exit code, $2 line in the script, $3 command, $4 how many files deep that is: 1 in the script itself. The exit code
# of a script that is sourced is that of its last command, and means nothing unless the file is not there.
_BEFORE = """\
_setup_flags=$-; set +e
_setup_failed() {{
    [ "$4" -le 1 ] || return
    local said command=${{3%%[<>&]*}}
    said=$(sed -n "$2p" "$0" 2>/dev/null)
    said="{key}, line $(($2 - _setup_begin)): exit code $1 from: ${{said:-$3}}"
    case $command in
        *'('* | *'`'*) ;;
        'source '* | '. '*)
            if (eval "set -- $command" && {{ [ -f "$2" ] || [ -f "$(type -P -- "$2")" ]; }}) 2>/dev/null; then
                echo "$said (passed over, as it is that of the last command of the script)" >&2
                return
            fi ;;
    esac
    trap - EXIT
    echo "$said" >&2
    exit "$1"
}}
trap '_setup_failed "$?" "$LINENO" "$BASH_COMMAND" "${{#BASH_SOURCE[@]}}"' ERR
trap 'echo "{key} ended the script with exit code $? (by exit, set -e or set -u)" >&2' EXIT
_setup_begin=$LINENO"""
_AFTER = "trap - ERR EXIT; case $_setup_flags in *e*) set -e ;; *) set +e ;; esac"


def watched(lines: Sequence[str], key: str) -> list[str]:
    """Return the lines, with what ends the script and tells which of them it was if one fails.

    A line fails if its own exit code is not 0; what a sourced script or a function does inside is its own affair,
    whatever ``set -e`` says around. The script's ``set -e`` holds again in the end.

    Parameters
    ----------
    lines : sequence of str
        In bash; a command may go over several of them.
    key : str
        Where they are in the configuration.
    """
    return [*_BEFORE.format(key=key).splitlines(), *lines, _AFTER] if lines else []
