"""Stores that the tests of targets share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import plain_store

from targets import Datastore
from targets.registry import REGISTRY


@pytest.fixture(autouse=True)
def registered_as_before() -> Iterator[None]:
    """Targets that a test registers are forgotten after it."""
    with REGISTRY.restored():
        yield


@pytest.fixture(scope="session")
def plain_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sheets, Exc and Inh, with one spontaneous stimulus; not to be written to."""
    return plain_store(tmp_path_factory.mktemp("plain") / "store")


@pytest.fixture
def store(plain_directory: Path) -> Datastore:
    return Datastore(plain_directory)
