"""What pydantic finds wrong with a section, in the words of this program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from targets.plugins import nearest

# type of an error whose message is complete
_SAID = "said"
# pydantic's words, and ours
PAIR = ("Input should be a valid tuple", "expected a pair [low, high]")


def message_of(details: Mapping[str, Any], section: type[BaseModel] | None, also: Iterable[str] = ()) -> str:
    """Return the message of one of pydantic's findings.

    Parameters
    ----------
    details : mapping
        One of ``ValidationError.errors()``.
    section : type of pydantic.BaseModel, or None
        The section that the last key of its location belongs to, if it is known.
    also : iterable of str
        Further keys that are accepted there.
    """
    key = str(details["loc"][-1]) if details["loc"] else ""
    fields = section.model_fields if section else {}
    if details["type"] == "extra_forbidden":
        return f"unknown key{nearest(key, [*fields, *also]) or '.'} Known keys: {', '.join(fields)}"
    if details["type"] == "missing":
        meaning = fields[key].description if key in fields else None
        return f"is missing{f': {meaning}' if meaning else ''}"
    message = str(details["msg"]).removeprefix("Value error, ").replace(*PAIR)
    if details["type"] not in ("value_error", _SAID):
        message = f"{message[0].lower()}{message[1:]}, got {details['input']!r}"
    return message


def said(problems: Iterable[tuple[tuple[str | int, ...], str, object]]) -> ValidationError:
    """Return an error that a validator raises: location below its key, message and input of each problem."""
    details = [
        InitErrorDetails(type=PydanticCustomError(_SAID, message), loc=at, input=got) for at, message, got in problems
    ]
    return ValidationError.from_exception_data("configuration", details)


def in_words(error: ValidationError, section: type[BaseModel]) -> ValidationError:
    """Return the same error of a section with complete messages."""
    return said((each["loc"], message_of(each, section if len(each["loc"]) == 1 else None), each["input"])
                for each in error.errors())  # fmt: skip
