"""Figures of a run and the page that shows them.

`write_report` writes report.html; `figures` has the same figures for notebooks and papers.
"""

from orchestrator.report import figures
from orchestrator.report.history import History
from orchestrator.report.page import write_report

__all__ = ["History", "figures", "write_report"]
