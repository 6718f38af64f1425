"""What the tests of models share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """As many as the optimiser takes."""
    with threadpool_limits(1):
        yield
