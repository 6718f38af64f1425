"""Sections whose keys are those of a plug-in, which one of the keys names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator.config.section import PluginOptions
from orchestrator.config.words import in_words, said
from targets.plugins import PluginError, Registry


class Plugin(Protocol):
    """What a registry of such plug-ins holds."""

    @property
    def options(self) -> type[PluginOptions]:
        """The keys of the section."""

    @property
    def documentation(self) -> str:
        """What the plug-in is, in a paragraph."""


@dataclass(frozen=True)
class Reading:
    """How a configuration is read; the context of its validation.

    Parameters
    ----------
    folder : pathlib.Path
        What its paths are relative to.
    looking : bool
        Whether somebody only looks at a run: files of the user's own are not imported then.
    """

    folder: Path
    looking: bool = False

    def directory(self, model_dir: Path) -> Path:
        """Return the model's directory as an absolute path."""
        return (self.folder / model_dir.expanduser()).resolve()


@dataclass(frozen=True)
class PluginPoint:
    """One section, made of the plug-ins that are registered.

    Parameters
    ----------
    key : str
        The key that names the plug-in.
    default : str
        The plug-in if the key is left out.
    registry : callable
        Returns the registry of the plug-ins.
    unread : type of PluginOptions
        Stands for the options of a user's own plug-in that is not to be imported; takes all keys.
    """

    key: str
    default: str
    registry: Callable[[], Registry[Any]]
    unread: type[PluginOptions]

    def find(self, name: str, model_dir: Path) -> Plugin:
        """Return the plug-in of a name; raises `targets.plugins.PluginError`."""
        plugin: Plugin = self.registry().find(name, model_dir)
        return plugin

    def known(self) -> Mapping[str, Plugin]:
        """Return all plug-ins that are installed, the default first."""
        known: dict[str, Plugin] = self.registry().known()
        return {self.default: known[self.default], **known}

    def read(self, value: object, info: ValidationInfo) -> PluginOptions:
        """Return the section as the options of its plug-in; used as a validator."""
        if isinstance(value, PluginOptions):
            return value
        if isinstance(value, str):
            value = {self.key: value}
        if not isinstance(value, Mapping):
            raise PydanticCustomError("mapping", "Input should be a valid dictionary")
        section = {self.key: self.default, **value}
        name = section[self.key]
        if not isinstance(name, str):
            raise said([((self.key,), f"expected a name, got {name!r}", name)])
        reading = info.context if isinstance(info.context, Reading) else Reading(Path())
        if reading.looking and ":" in name:
            return self.unread.model_validate(section)
        try:
            plugin = self.find(name, reading.directory(info.data.get("model_dir", Path())))
        except PluginError as error:
            raise said([((self.key,), str(error), name)]) from error
        try:
            options = plugin.options.model_validate(section)
        except ValidationError as error:
            raise in_words(error, plugin.options) from error
        options._plugin = plugin
        return options
