"""Where the log goes: controller.log, bounded; and the console, as text or as JSON lines."""

from __future__ import annotations

import contextlib
import enum
import json
import logging
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.logging import RichHandler

from orchestrator.text import LOG_DATA, plain


class LogFormat(str, enum.Enum):
    """What the console gets: what suits it, plain lines, or one JSON object per line on standard output."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class LogLevel(str, enum.Enum):
    """What is logged."""

    INFO = "info"
    DEBUG = "debug"


# of controller.log in bytes, and how many older ones are kept as controller.log.1 ...: months of a large run
_MOST_BYTES = 10_000_000
_KEPT = 4
_LINE = "%(asctime)s %(levelname)-7s %(message)s"
# attribute of records that a live display tells better
SHOWN_LIVE = "orchestrator_shown_live"


def interactive(console: Console) -> bool:
    """Return whether a live display makes sense: a terminal that can move its cursor."""
    return console.is_terminal and not console.is_dumb_terminal and not console.quiet


@contextlib.contextmanager
def logging_at(level: LogLevel) -> Iterator[None]:
    """Log what is of this level or above it, wherever it goes."""
    logger = logging.getLogger("orchestrator")
    before = logger.level
    logger.setLevel(level.name)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def logging_to(path: Path, console: Console, log_format: LogFormat = LogFormat.AUTO) -> Iterator[None]:
    """Write the log into the run directory, and to the console.

    Parameters
    ----------
    path : pathlib.Path
        controller.log; always text.
    console : rich.console.Console
        Of the program.
    log_format : LogFormat
        Of what goes to the console.
    """
    logger = logging.getLogger("orchestrator")
    before = (logger.level, logger.propagate)
    if logger.level == logging.NOTSET:  # whoever wants to know more has said so
        logger.setLevel(logging.INFO)
    logger.propagate = False
    raises, logging.raiseExceptions = logging.raiseExceptions, False  # a full disk is told once, where it matters
    handlers = (_to_file(path), _to_console(console, log_format))
    for handler in handlers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before[0])
        logger.propagate = before[1]
        logging.raiseExceptions = raises


def _to_file(path: Path) -> logging.Handler:
    handler = RotatingFileHandler(path, maxBytes=_MOST_BYTES, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(PlainLines(_LINE))
    return handler


def _to_console(console: Console, log_format: LogFormat) -> logging.Handler:
    if log_format is LogFormat.JSON:
        handler: logging.Handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonLines())
    elif log_format is LogFormat.AUTO and interactive(console):
        handler = RichHandler(console=console, show_path=False, markup=False, highlighter=None, log_time_format="%X")
        handler.setFormatter(PlainLines("%(message)s"))
        handler.addFilter(lambda record: not getattr(record, SHOWN_LIVE, False))
    elif console.quiet or (log_format is LogFormat.AUTO and console.is_jupyter):
        # a notebook shows the rest better, and who wants to see nothing has to know of what is wrong
        handler = logging.StreamHandler()
        handler.setLevel(logging.WARNING)
        handler.setFormatter(PlainLines("%(message)s"))
    else:
        handler = logging.StreamHandler(console.file)
        handler.setFormatter(PlainLines(_LINE))
    return handler


class PlainLines(logging.Formatter):
    """Lines without control characters: they hold words of simulations, and of SLURM."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        return plain(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object per record: ``time`` (ISO 8601 with offset), ``level``, ``message``, and what the record adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        when = datetime.fromtimestamp(record.created, timezone.utc).astimezone()
        data: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, LOG_DATA, {}),
        }
        return json.dumps(data, default=str)


def json_line(message: str, **data: Any) -> str:
    """Return a line as `JsonLines` writes it, of level INFO, for what is no record."""
    record = logging.makeLogRecord({"msg": message, "levelno": logging.INFO, "levelname": "INFO", LOG_DATA: data})
    return JsonLines().format(record)
