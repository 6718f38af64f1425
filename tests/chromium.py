"""Headless Chromium: Debian's package chromium, or another one on the PATH, and the Python package playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@contextmanager
def started() -> Iterator[Browser]:
    """Start it, and end it in the end."""
    found = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"there is no Chromium (looked for {', '.join(CHROMIUMS)}): apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
