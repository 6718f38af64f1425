"""What is raised by those who read, measure or simulate; as light as can be, for interpreters without pydantic."""

from __future__ import annotations


class DatastoreError(Exception):
    """A results directory, or a file in it, is missing, broken, foreign or unsafe; the message names it."""


class NoValue(Exception):
    """Raised by :meth:`Target.outputs` or :meth:`Target.value` if there is no value; its text is the reason.

    A function that is simulated may raise it too: then no target has a value.
    """


class Exploded(Exception):
    """Raised by a function that is simulated if activity has run away; its text says what, where and when."""
