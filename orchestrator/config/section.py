"""What sections of a configuration are made of: the base class, types of values, what belongs to a run's identity."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.fields import FieldInfo

from orchestrator.config.durations import parse_duration

# three centuries; sums and products of durations stay finite
Duration = Annotated[
    float, BeforeValidator(parse_duration), Field(le=1e10), WithJsonSchema({"type": ["number", "string"]})
]
# in the place of a seed: every evaluation has one of its own
PER_OFFSPRING: Literal["per_offspring"] = "per_offspring"


def _or_per_offspring(value: object, number: ValidatorFunctionWrapHandler) -> object:
    return value if value == PER_OFFSPRING else number(value)


if TYPE_CHECKING:
    AnySeed = int | Literal["per_offspring"]
    Seed = int | Literal["per_offspring"]
else:
    # errors of a union would be told for each of its types
    _SEED = WithJsonSchema({"anyOf": [{"type": "integer"}, {"const": PER_OFFSPRING}]})
    AnySeed = Annotated[int, WrapValidator(_or_per_offspring), PlainSerializer(lambda value: value), _SEED]
    # what numpy takes
    Seed = Annotated[
        int, Field(ge=0, lt=2**32), WrapValidator(_or_per_offspring), PlainSerializer(lambda value: value), _SEED
    ]


def _lines(value: object) -> object:
    return value.splitlines() if isinstance(value, str) else value


# a list of lines, or a block of text
_LINES = WithJsonSchema({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]})
ShellLines = Annotated[tuple[str, ...], BeforeValidator(_lines), _LINES]


def _are_python(lines: tuple[str, ...]) -> tuple[str, ...]:
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError) as error:
        number = getattr(error, "lineno", None) or 1
        line = "\n".join(lines).splitlines()[number - 1 : number]
        raise ValueError(
            f"expected lines of Python 3, line {number} is not: {getattr(error, 'msg', error)}: {''.join(line)!r}"
        ) from error
    return lines


PythonLines = Annotated[tuple[str, ...], BeforeValidator(_lines), AfterValidator(_are_python), _LINES]

# As `json_schema_extra` of a key that only says how a run is carried out: a run may be continued with another value.
# Every other key belongs to the identity of a run, which would be another optimisation with another value.
CIRCUMSTANCE: dict[str, Any] = {"identity": False}


class Section(BaseModel):
    """A section that refuses unknown keys and does not change once it is read."""

    # sections are made ready when they are first used: a job uses few of them
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def identity(self) -> dict[str, Any]:
        """Return the keys that make a run what it is, as JSON: all that are not marked as a `CIRCUMSTANCE`."""
        data = self.model_dump(mode="json")
        for name, field in type(self).model_fields.items():
            if is_circumstance(field):
                del data[name]
            elif isinstance(value := getattr(self, name), Section):
                data[name] = value.identity()
        return data


class PluginOptions(Section):
    """A section of which the keys are those of a plug-in, which one of them names."""

    # a valid value for each required key, so that the rest of a wrong section can be looked at
    stand_ins: ClassVar[dict[str, object]] = {}

    _plugin: Any = PrivateAttr(None)


def is_circumstance(field: FieldInfo) -> bool:
    """Return whether a key is marked as a `CIRCUMSTANCE`."""
    extra = field.json_schema_extra
    return isinstance(extra, dict) and extra.get("identity") is False


def _is_dotted_reference(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", value):
        raise ValueError(f"expected module:name, such as model:VisualModel, got {value!r}")
    return value


Reference = Annotated[str, BeforeValidator(_is_dotted_reference)]
