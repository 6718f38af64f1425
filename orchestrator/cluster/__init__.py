"""Submission of jobs, and what is known of them."""

from orchestrator.cluster.base import Cluster, Job, State, Status, SubmissionFailed, Task, create_cluster

__all__ = ["Cluster", "Job", "State", "Status", "SubmissionFailed", "Task", "create_cluster"]
