"""Figures as SVG in the page, for readers without JavaScript."""

from orchestrator.report.svg.figures import static

__all__ = ["static"]
