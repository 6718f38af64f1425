"""One of the configuration's ``parameters``: what is searched, a constant, or an expression of others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_serializer,
    model_validator,
)

from orchestrator.config.section import Section
from orchestrator.config.words import in_words, said
from orchestrator.optimisers.priors import Choice, Prior, read_choice, read_prior, written_prior
from orchestrator.optimisers.space import Parameter, SearchSpace
from orchestrator.optimisers.widest import widened
from orchestrator.parameters.bounds import Bounds
from orchestrator.parameters.expressions import Expression
from orchestrator.parameters.given import Given, WrongParameters, finite_number
from targets.plugins import nearest

# a start value in words
MIDDLE: Literal["middle"] = "middle"


def _or_middle(value: object, number: ValidatorFunctionWrapHandler) -> object:
    return value if value == MIDDLE else number(value)


def _or_expression(value: object, number: ValidatorFunctionWrapHandler) -> object:
    if not isinstance(value, str):
        return number(value)
    # YAML 1.1 takes 1e-3 for text
    return number(value) if finite_number(value) is not None else Expression(value).text


if TYPE_CHECKING:
    Bound = float | str
    Start = float | Literal["middle"]
else:
    # errors of a union would be told for each of its types
    Bound = Annotated[
        float,
        WrapValidator(_or_expression),
        PlainSerializer(lambda value: value),
        WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}]}),
    ]
    Start = Annotated[
        float, WrapValidator(_or_middle), WithJsonSchema({"anyOf": [{"type": "number"}, {"const": MIDDLE}]})
    ]


# of a prior, so much has to be within the bounds: with less of it numbers become inexact
_WITHIN = 1e-6

ReadPrior = Annotated[Prior | Choice, PlainValidator(read_prior), PlainSerializer(written_prior)]


def _also_without_bounds(schema: dict[str, Any]) -> None:
    """Say in a JSON Schema that a choice needs no bounds."""
    of_choice = {"required": ["prior"], "properties": {"prior": {"type": "object", "required": ["choice"]}}}
    schema["anyOf"] = [{"required": schema.pop("required")}, of_choice]


class ParameterRange(Section):
    """One parameter of the search space; ``[low, high]`` is short for its bounds."""

    model_config = ConfigDict(json_schema_extra=_also_without_bounds)

    bounds: tuple[Bound, Bound] = Field(
        description="smallest and largest value, in either order, in the parameter's own unit: numbers, or expressions "
        "of other parameters, which decide them then; of a choice they may be left out",
    )
    scale: Literal["linear", "log"] = Field("linear", description="whether steps are sums or factors")
    integer: bool = Field(False, description="whether only whole numbers are tried")
    names: list[str] | None = Field(
        None,
        description="names under which a simulation gets the value, by default its own alone; an empty list: under "
        "none, for what only stands in expressions",
    )
    prior: ReadPrior | None = Field(
        None,
        description="what is believed of the value before: {normal: [mean, sd]}, or {lognormal: [median, sd of the "
        "natural logarithm]}, truncated to the bounds; {choice: [value, value, ...]}, only these, all as likely, or in "
        "proportion to weights: [weight, weight, ...] beside it; by default uniform on the scale",
    )
    # kept with the other start values
    start: Start | None = Field(
        None, exclude=True, description="start value, or middle; the same as under optimiser_centroid"
    )

    @model_serializer(mode="wrap")
    def _without_later_keys(self, all_keys: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the keys as they were before there were names and priors, so that runs of then do not differ."""
        data: dict[str, Any] = all_keys(self)
        return {key: value for key, value in data.items() if key not in ("names", "prior") or value is not None}

    @model_validator(mode="before")
    @classmethod
    def _with_what_a_choice_says(cls, value: Any) -> Any:
        """Return the keys with the bounds of a choice, and whether it is of whole numbers, unless they are given."""
        prior = value.get("prior") if isinstance(value, Mapping) else None
        try:
            choice = read_choice(prior)
        except ValueError as error:
            raise said([(("prior",), str(error), prior)]) from error
        if choice is None:
            return value
        whole = all(isinstance(each, int) for each in choice.values)
        return {"bounds": (choice.values[0], choice.values[-1]), "integer": whole, **value}

    @field_validator("bounds")
    @classmethod
    def _ordered(cls, value: tuple[Bound, Bound]) -> tuple[Bound, Bound]:
        low, high = value
        return (high, low) if isinstance(low, float) and isinstance(high, float) and high < low else (low, high)

    @model_validator(mode="after")
    def _fits_the_bounds(self) -> ParameterRange:
        if self.fixed is None:
            return self._fits_what_others_decide()
        low, high = self.fixed
        if not (-math.inf < low < high < math.inf):
            constant = f"; a constant is written as a number alone: {low:g}" if low == high else ""
            raise ValueError(f"expected two different finite bounds, got [{low:g}, {high:g}]{constant}")
        if isinstance(self.prior, Choice):
            return self._fits_the_choice(self.prior, low, high)
        if self.scale == "log" and low <= 0:
            raise ValueError(f"scale: log needs bounds above 0, got [{low:g}, {high:g}]")
        if self.integer and not (low.is_integer() and high.is_integer()):
            raise ValueError(f"integer: true needs whole bounds, got [{low:g}, {high:g}]")
        if isinstance(self.start, float) and not low <= self.start <= high:
            message = f"the start value must be inside the bounds [{low:g}, {high:g}], got {self.start:g}"
            raise said([(("start",), message, self.start)])
        if self.prior is not None and self.prior.below(high) - self.prior.below(low) < _WITHIN:
            message = (
                f"expected a prior with some of its weight within the bounds [{low:g}, {high:g}], got next to none"
            )
            raise said([(("prior",), message, self.prior)])
        return self

    def _fits_the_choice(self, choice: Choice, low: float, high: float) -> ParameterRange:
        """Return the same, unless other keys do not fit a choice."""
        least, *_, most = choice.values
        if not low <= least <= most <= high:
            message = f"expected bounds that hold the choice, {choice}, or none, got [{low:g}, {high:g}]"
            raise said([(("bounds",), message, [low, high])])
        if self.scale == "log":
            message = "expected no scale beside a choice, whose steps are from each value to the next, got log"
            raise said([(("scale",), message, self.scale)])
        if self.integer and not all(float(each).is_integer() for each in choice.values):
            raise said([(("integer",), f"expected whole numbers in the choice, got {choice}", True)])
        if isinstance(self.start, float) and self.start not in choice.values:
            message = f"the start value must be one of the choice, {choice}, got {self.start:g}"
            raise said([(("start",), message, self.start)])
        return self

    @property
    def choice(self) -> Choice | None:
        """The values that it may have, if these are a few only."""
        return self.prior if isinstance(self.prior, Choice) else None

    def _fits_what_others_decide(self) -> ParameterRange:
        if infinite := [each for each in self.bounds if isinstance(each, float) and not math.isfinite(each)]:
            raise said([(("bounds",), f"expected finite bounds, got {infinite[0]:g}", self.bounds)])
        if self.prior is not None:
            message = "needs bounds that are numbers: with others, it would be another one in each evaluation"
            raise said([(("prior",), message, self.prior)])
        return self

    @property
    def fixed(self) -> tuple[float, float] | None:
        """The bounds if they are numbers, None if other parameters decide them."""
        low, high = self.bounds
        return None if isinstance(low, str) or isinstance(high, str) else (low, high)

    def named(self, name: str, moving: Bounds | None = None) -> Parameter:
        """Return the dimension of the search space that this is under a name.

        Parameters
        ----------
        name : str
            Of the parameter.
        moving : Bounds, optional
            Its bounds, if other parameters decide them.
        """
        fixed = self.fixed or (-math.inf, math.inf)
        fixed = fixed if self.choice is None else (self.choice.values[0], self.choice.values[-1])
        return Parameter(name, *fixed, log=self.scale == "log", integer=self.integer, prior=self.prior, moving=moving)


class ExpressionOfOthers(Section):
    """A parameter that is computed from others, and not searched."""

    expression: str = Field(
        description="numbers, names of other parameters, + - * / ** and parentheses, pi, and abs, ceil, exp, floor, "
        "log (natural), log10, max, min, round, sqrt"
    )


AnyParameter = ParameterRange | ExpressionOfOthers | int | float


def read_parameter(value: object) -> AnyParameter:
    """Return one of ``parameters`` as it is written; used as a validator."""
    if isinstance(value, ParameterRange | ExpressionOfOthers):
        return value
    if isinstance(value, list | tuple):
        value = {"bounds": value}
    if not isinstance(value, Mapping):
        return _constant(value)
    section = ExpressionOfOthers if "expression" in value else ParameterRange
    try:
        return section.model_validate(value)
    except ValidationError as error:
        raise in_words(error, section) from error


def _constant(value: object) -> int | float:
    number = finite_number(value)
    if number is not None:
        return number
    message = (
        "expected [low, high], {bounds, scale, integer, names, prior, start}, a finite number, or {expression: text}, "
        f"got {value!r}"
    )
    if isinstance(value, str) and value.strip():
        message += f"; an expression is written {{expression: {value!r}}}"
    raise ValueError(message)


ReadParameter = Annotated[
    SerializeAsAny[ParameterRange] | SerializeAsAny[ExpressionOfOthers] | int | float, PlainValidator(read_parameter)
]


def given_by(parameters: Mapping[str, AnyParameter]) -> Given:
    """Return how a simulation's numbers follow from those that are searched; raises `WrongParameters`."""
    return Given.of(
        {name: spec.model_dump() if isinstance(spec, Section) else spec for name, spec in parameters.items()}
    )


def require_fit(parameters: Mapping[str, AnyParameter]) -> None:
    """Refuse parameters that do not fit together; raises `pydantic.ValidationError` with all problems."""
    try:
        given = given_by(parameters)
        space_of(parameters)
    except WrongParameters as error:
        raise said(((name,), message, None) for name, message in error.problems) from error
    if not given.searched:
        raise ValueError("expected at least one parameter with bounds, got none: there is nothing to search")


def searched_among(parameters: Mapping[str, AnyParameter]) -> dict[str, ParameterRange]:
    """Return those that are searched."""
    return {name: spec for name, spec in parameters.items() if isinstance(spec, ParameterRange)}


def space_of(parameters: Mapping[str, AnyParameter]) -> SearchSpace:
    """Return the search space in the order of the file; raises `WrongParameters` if there are bounds that make none."""
    searched = searched_among(parameters)
    moving = {} if all(spec.fixed for spec in searched.values()) else Bounds.of(given_by(parameters))
    found, wrong = widened([spec.named(name, moving.get(name)) for name, spec in searched.items()])
    if wrong:
        raise WrongParameters([*wrong.items()])
    return SearchSpace(found)


def start_values(value: object, parameters: Mapping[str, AnyParameter]) -> object:
    """Return ``optimiser_centroid`` as it is written, with the start values of the parameters themselves, in numbers.

    Raises
    ------
    pydantic.ValidationError
        If a start value is given in both places, and they differ.
    """
    space, searched = space_of(parameters), searched_among(parameters)
    starts = {name: spec.start for name, spec in searched.items() if spec.start is not None}
    written: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    numbers = {
        name: number
        for name in searched
        if MIDDLE not in (starts.get(name), written.get(name))
        and (number := finite_number(written.get(name, starts.get(name)))) is not None
    }
    # of bounds that other parameters decide, beside the start values that are given of these
    middle = space.completed(numbers)
    own = {name: middle[name] if start == MIDDLE else start for name, start in starts.items()}
    if value == MIDDLE:
        return {**middle, **own}
    if not isinstance(value, Mapping):
        return value
    here = {name: middle.get(name, start) if start == MIDDLE else start for name, start in value.items()}
    twice = [name for name in own if name in here and here[name] != own[name]]
    if twice:
        message = "is given here and as start under parameters: take it away in one of the two places"
        raise said(((name,), message, value[name]) for name in twice)
    return {**own, **here}


def start_problem(name: str, start: float, parameters: Mapping[str, AnyParameter]) -> str | None:
    """Return what is wrong with the start value of a parameter, None if nothing is."""
    searched = searched_among(parameters)
    if name not in searched:
        if what := given_by(parameters).what_is(name):
            return f"{name!r} is {what}; expected one of what is searched: {', '.join(searched)}"
        return f"{name!r} is not among parameters{nearest(name, parameters)}"
    if (bounds := searched[name].fixed) is None:
        return None  # that depends on the start values of others, which the model may have
    choice = searched[name].choice
    if choice is not None and start not in choice.values:
        return f"the start value of {name!r} must be one of its choice, {choice}, got {start:g}"
    low, high = bounds
    if low <= start <= high:
        return None
    return f"the start value of {name!r} must be inside its bounds [{low:g}, {high:g}], got {start:g}"
