"""Submission of jobs, and what is known about them."""

from orchestrator.cluster.base import Cluster, Job, State, Status, SubmissionFailed, Task
from orchestrator.cluster.registry import create_cluster

__all__ = ["Cluster", "Job", "State", "Status", "SubmissionFailed", "Task", "create_cluster"]
