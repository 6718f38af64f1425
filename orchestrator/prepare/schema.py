"""The JSON Schema of a configuration, made from the classes that read it: for editors, and other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import CoreSchema, core_schema

from orchestrator.config.model import Config
from orchestrator.config.moved_keys import MOVED
from orchestrator.config.parameters import MIDDLE, ExpressionOfOthers, ParameterRange
from orchestrator.config.plugin_sections import PluginPoint
from orchestrator.config.points import POINTS
from orchestrator.data import DataSource
from targets import known_targets

# what editors understand; later drafts have nothing that is needed here
_DRAFT = "http://json-schema.org/draft-07/schema#"
_PLACE = "#/$defs/{model}"
_NUMBER: JsonSchemaValue = {"type": "number"}
_TEXT: JsonSchemaValue = {"type": "string"}
_START: JsonSchemaValue = {"anyOf": [_NUMBER, {"const": MIDDLE}]}
# a plug-in of the user's own
_OWN: JsonSchemaValue = {"type": "string", "pattern": ":"}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a configuration: every key, with its meaning, its default and what it may be.

    It has the plug-ins that are installed here. What one key means for another (a start outside its bounds, a sheet
    that the model does not have) is left to ``orchestrator check``.
    """
    points = {key: dict(point.known()) for key, point in POINTS.items()}
    options = [plugin.options for plugins in points.values() for plugin in plugins.values()]
    targets = known_targets()
    models: list[type[BaseModel]] = [Config, ParameterRange, ExpressionOfOthers, DataSource, *options]
    models += targets.values()
    places, whole = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=_PLACE, schema_generator=_Generator
    )
    definitions: dict[str, Any] = whole["$defs"]

    def of(model: type[BaseModel]) -> dict[str, Any]:
        return definitions[_name(places[model, "validation"])]  # type: ignore[no-any-return]

    config = of(Config)
    keys = config["properties"]
    for key, plugins in points.items():
        refs = {name: places[plugin.options, "validation"] for name, plugin in plugins.items()}
        keys[key] = _described(keys[key], _section(POINTS[key], refs))
    for target in targets.values():
        of(target)["properties"]["class"] = _TEXT
    refs = {name: places[target, "validation"] for name, target in targets.items()}
    keys["targets"]["items"] = _one_of("class", refs, required=True)
    parameter = [_pair(), _NUMBER, *(places[each, "validation"] for each in (ParameterRange, ExpressionOfOthers))]
    keys["parameters"]["additionalProperties"] = {"anyOf": parameter}
    centroid = {"anyOf": [{"type": "object", "additionalProperties": _START}, {"const": MIDDLE}]}
    keys["optimiser_centroid"] = _described(keys["optimiser_centroid"], centroid)
    keys["data"]["additionalProperties"] = {"anyOf": [_TEXT, places[DataSource, "validation"]]}
    _accept_moved(keys, definitions)
    del definitions[_name(places[Config, "validation"])]
    return {"$schema": _DRAFT, "title": "mozaik-orchestrator", **config, "$defs": definitions}


class _Generator(GenerateJsonSchema):
    """Says what a file may contain, without the titles that pydantic makes of names, in words of draft 7."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        made.pop("title", None)
        for each in made.get("properties", {}).values():
            each.pop("identity", None)
        return made

    def function_plain_schema(self, schema: CoreSchema) -> JsonSchemaValue:
        return {}  # what a validator of its own takes is filled in, or anything

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        made = super().tuple_schema(schema)
        if "prefixItems" in made:
            made["items"] = made.pop("prefixItems")
        return made


def _section(point: PluginPoint, plugins: Mapping[str, JsonSchemaValue]) -> JsonSchemaValue:
    """Return what a section may be: the name of a plug-in, or its options."""
    return {"anyOf": [_names(plugins), _one_of(point.key, plugins, default=point.default)]}


def _one_of(
    key: str, plugins: Mapping[str, JsonSchemaValue], *, default: str | None = None, required: bool = False
) -> JsonSchemaValue:
    """Return a mapping of which one key says what the others may be."""
    rules = []
    for name, options in plugins.items():
        named: dict[str, Any] = {"properties": {key: {"const": name}}}
        if name != default:  # which it is also where the key is left out
            named["required"] = [key]
        rules.append({"if": named, "then": options})
    made: dict[str, Any] = {"type": "object", "properties": {key: _names(plugins)}, "allOf": rules}
    return {**made, "required": [key]} if required else made


def _names(plugins: Mapping[str, JsonSchemaValue]) -> JsonSchemaValue:
    return {"anyOf": [{"enum": list(plugins)}, _OWN]}


def _pair() -> JsonSchemaValue:
    return {"type": "array", "items": [_NUMBER, _NUMBER], "minItems": 2, "maxItems": 2}


def _described(before: JsonSchemaValue, made: JsonSchemaValue) -> JsonSchemaValue:
    """Return a schema with the description of the one in whose place it is."""
    return {**{key: before[key] for key in ("description",) if key in before}, **made}


def _accept_moved(keys: Mapping[str, Any], definitions: Mapping[str, Any]) -> None:
    """Let keys that have moved to another section stand where they stood."""
    sections = {name: definitions[_name(_reference(keys[name]))]["properties"] for name in ("slurm", "jobs")}
    for old, moved in MOVED.items():
        for key, new in moved.items():
            sections[old][key] = {**sections[new][key], "deprecated": True}


def _reference(place: JsonSchemaValue) -> JsonSchemaValue:
    """Return the reference in the schema of a key that has a section, whichever way pydantic writes it."""
    (alone,) = place.get("allOf", [place])
    return dict(alone)


def _name(place: JsonSchemaValue) -> str:
    return str(place["$ref"]).rpartition("/")[2]
