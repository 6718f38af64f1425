"""What a configuration says of one measured recording: where it is, and which part of it is wanted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from orchestrator.config.section import Reference, Section

# a part of dotted keys, and of the names of entries in a file
_NAME = re.compile(r"[^\W\d][\w-]*")
# keys that say which part of a file or of what a function returned is meant
_OF_FILES = ("columns", "sweeps", "label", "interval")
_OF_FUNCTIONS = ("parameters",)


def _name_or_number(value: object) -> int | str:
    is_number = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not is_number and not (isinstance(value, str) and value):
        raise ValueError(f"expected a name, or a number counted from 0, got {value!r}")
    return cast("int | str", value)


def _true_or_name(value: object) -> bool | int | str:
    return value if isinstance(value, bool) else _name_or_number(value)


def _several(value: object) -> object:
    return [value] if isinstance(value, (str, int)) else value


_NameOrNumber = Annotated[int | str, PlainValidator(_name_or_number)]
_Sweep = Annotated[int, Field(ge=0)]
_ONE_OR_SEVERAL = WithJsonSchema({"anyOf": [{"type": "array", "minItems": 1}, {"type": ["string", "integer", "null"]}]})


class DataSource(Section):
    """One recording: of a file, or the output of a function; a path alone is short for its ``file``."""

    file: Path | None = Field(
        None,
        description="the file, relative to the model's directory: a table as text (csv, tsv, txt, dat), npz, json, or "
        "one that neo reads (abf, nwb and others)",
    )
    function: Reference | None = Field(
        None,
        description="instead of a file: module:function of the model's directory, whose output, as that of a "
        "simulation, is the recording; called once when a run starts, as function(parameters, directory)",
    )
    parameters: dict[str, float | int | str | bool | None] = Field(
        default_factory=dict, description="what the function is called with"
    )
    columns: Annotated[list[_NameOrNumber] | None, BeforeValidator(_several), _ONE_OR_SEVERAL] = Field(
        None,
        min_length=1,
        description="names of columns, or numbers counted from 0: that of the times first, then that of the values, or "
        "several, one for each trial; in an npz or json file, names of arrays; by default the two that there are",
    )
    channel: _NameOrNumber | None = Field(
        None,
        description="name or number of the channel of a file that neo reads, name of a trace or of events elsewhere; "
        "by default the only one",
    )
    sweeps: Annotated[list[_Sweep] | None, BeforeValidator(_several), _ONE_OR_SEVERAL] = Field(
        None, min_length=1, description="which sweeps, counted from 0, in a file that has several; by default all"
    )
    events: Annotated[bool | int | str, PlainValidator(_true_or_name)] = Field(
        False,
        description="true if these are points of time, such as spikes, and not a trace; or the name of their column, "
        "or of their spike train",
    )
    label: _NameOrNumber | None = Field(
        None, description="column of the events' labels, such as the numbers of neurons"
    )
    unit: str | None = Field(
        None,
        min_length=1,
        description="unit of the values; if the file says another one, they are converted to this one",
    )
    time_unit: Literal["us", "ms", "s", "min", "h"] = Field(
        "ms", description="unit of the times in a file that does not say; what is read has times in ms"
    )
    interval: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="time between two samples in ms, if there are no times; all columns are values then",
    )
    window: tuple[float, float] | None = Field(
        None, description="[from, to], the part that is wanted, in ms, edges included; by default all"
    )
    resample: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="interval in ms of the samples that are computed by linear interpolation; by default those that "
        "there are",
    )

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: object) -> object:
        if not isinstance(value, (str, Mapping, DataSource)):
            raise ValueError(f"expected a path, or {{file, columns, unit}} and more, got {value!r}")
        return {"file": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> DataSource:
        if (self.file is None) == (self.function is None):
            got = "none" if self.file is None else "both"
            raise ValueError(f"expected either a file or a function, got {got}")
        of_others = _OF_FUNCTIONS if self.function is None else _OF_FILES
        given = [key for key in of_others if getattr(self, key)]
        if given:
            kind = "file" if self.function is None else "function"
            raise ValueError(f"{given[0]} says nothing of a {kind}: take it away")
        return self

    @model_validator(mode="after")
    def _of_one_sort(self) -> DataSource:
        if self.events is not False:
            for key in ("unit", "resample", "interval"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} says nothing of events: take one of the two away")
        elif self.label is not None:
            raise ValueError("label is for events: add events: true, or the name of the column of their times")
        if self.window is not None:
            low, high = self.window
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"expected window: [from, to] with from < to, in ms, got [{low:g}, {high:g}]")
        return self

    @model_serializer(mode="wrap")
    def _given_keys(self, handler: SerializerFunctionWrapHandler) -> Mapping[str, Any]:
        """Leave out what says nothing: most keys are for one sort of file."""
        return {
            key: value
            for key, value in handler(self).items()
            if value is not None and value is not False and value != {}
        }


def _named(value: object) -> object:
    wrong = [name for name in value if not _NAME.fullmatch(str(name))] if isinstance(value, Mapping) else []
    if wrong:
        raise ValueError(f"expected names of letters, digits, _ and -, such as dipole, got {wrong[0]!r}")
    return value


DataSources = Annotated[dict[str, DataSource], BeforeValidator(_named)]
