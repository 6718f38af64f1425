"""The error of a results directory that can't be read."""

from __future__ import annotations


class DatastoreError(Exception):
    """A results directory, or a file in it, is missing, broken, foreign or unsafe; the message names it."""
