"""Whether a mozaik model's protocol presents what its targets need, and whether its sheets have the neurons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.simulations.base import Finding
from orchestrator.simulations.mozaik.protocol import Protocol
from targets import Presented, Target
from targets.needs import extent
from targets.stimuli import is_spontaneous

if TYPE_CHECKING:
    from orchestrator.config.model import Config

_REMEDY = "Present it there, or take the target away"


def presented_problems(config: Config, experiments: str, protocol: Protocol) -> Iterator[Finding]:
    """Yield which targets need a stimulus that the protocol never presents: they would have no value for ever."""
    for target in config.create_targets():
        for need in _each_once(need for need in target.needs.presented if not protocol.may_present(need)):
            contrasts = protocol.shown.get(need.name)
            if contrasts is None:
                has = ", ".join(protocol.experiments) or "none that is known"
                got = f"which {experiments} never presents; its experiments: {has}"
                yield ("targets", target.entry, "class"), f"{_needs(target, need)}, {got}. {_REMEDY}"
            else:
                got = f"{experiments} presents contrasts of {_listed(contrasts)} % only"
                option = need.options.get("contrast", "class")
                yield ("targets", target.entry, option), f"{_needs(target, need, 'contrast')}; {got}. {_REMEDY}"


def unknown_presentations(config: Config, protocol: Protocol) -> Iterator[Finding]:
    """Yield, once, that the source does not say whether all that is needed is presented."""
    needs = (need for target in config.create_targets() for need in target.needs.presented)
    names = dict.fromkeys(need.name for need in needs if not protocol.presents(need))
    if protocol.unread and names:
        message = f"whether they present {', '.join(names)} as targets need it: "
        yield ("simulation", "experiments"), f"{message}{protocol.unread}; check --on-node tells"


def stimulus_problems(config: Config, stimuli: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield which targets need a stimulus that is not among those that the model's experiments are made of."""
    for target in config.create_targets():
        for need in _each_once(need for need in target.needs.presented if not need.is_among(stimuli)):
            of_class = [each for each in stimuli if Presented(need.name).is_among([each])]
            if not of_class:
                names = ", ".join(sorted({_name(each) for each in stimuli})) or "none"
                message = f"{_needs(target, need)}; the model presents {names}. {_REMEDY}"
                yield ("targets", target.entry, "class"), message
                continue
            parameter = _decisive(need, of_class)
            values = _listed({value for each in of_class if isinstance(value := each.get(parameter), (int, float))})
            message = f"{_needs(target, need, *need.parameters)}; the model presents it of {parameter} {values}"
            yield ("targets", target.entry, need.options.get(parameter, "class")), f"{message}. {_REMEDY}"


def position_problems(config: Config, positions: Mapping[str, Sequence[Sequence[float]]]) -> Iterator[Finding]:
    """Yield which targets select neurons by their position where the sheet has too few.

    Parameters
    ----------
    config : Config
        Says which targets there are.
    positions : mapping of str to sequence
        The x and the y of a sheet's neurons in degrees of visual field, by its name.
    """
    for target in config.create_targets():
        for need in target.needs.located:
            name = need.sheet_name or target.sheet_name or ""
            if name not in positions:
                continue
            x, y = positions[name]
            found = int(need.selects(x, y).sum())
            if found < need.least:
                message = (
                    f"{type(target).__name__} needs {need.least} neurons of {name} {need.words}, which has {found}: "
                    f"its positions are {extent(x, y)}. Are they in degrees? Give {need.option} in the same unit"
                )
                yield ("targets", target.entry, need.option), message


def _each_once(needs: Iterator[Presented]) -> Iterator[Presented]:
    """Yield the first need of each class of stimuli: two orientations that are missing are one mistake."""
    first: dict[str, Presented] = {}
    for need in needs:
        first.setdefault(need.name, need)
    return iter(first.values())


def _needs(target: Target, need: Presented, *parameters: str) -> str:
    given = [f"{name} {need.parameters[name]:.4g}" for name in parameters if name in need.parameters]
    of = f" of {', '.join(given)}" if given else ""
    return f"{type(target).__name__} needs {need.name}{of}"


def _decisive(need: Presented, stimuli: Sequence[Mapping[str, Any]]) -> str:
    """Return the parameter whose value none of the stimuli has, or the last one if only all together are missing."""
    for name, value in need.parameters.items():
        if not Presented(need.name, {name: value}).is_among(stimuli):
            return name
    return next(iter(reversed([*need.parameters])), "")


def _name(stimulus: Mapping[str, Any]) -> str:
    direct = stimulus.get("direct_stimulation_name")
    return str(stimulus.get("name")) + ("" if is_spontaneous(stimulus) or not direct else f" ({direct})")


def _listed(values: frozenset[float] | set[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in sorted(values)) or "none"
