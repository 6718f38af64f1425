"""The parameter files of mozaik models: read without executing them, and copied with changes."""

from orchestrator.simulations.mozaik.parameters.file import ParameterFileError
from orchestrator.simulations.mozaik.parameters.references import lookup
from orchestrator.simulations.mozaik.parameters.values import (
    ModelExpression,
    ParameterReference,
    as_text,
    flatten,
    read_parameter_tree,
)

__all__ = [
    "ModelExpression",
    "ParameterFileError",
    "ParameterReference",
    "as_text",
    "flatten",
    "lookup",
    "read_parameter_tree",
]
