"""A session of the SageMaker Python SDK whose requests are noted, and executed here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from job_runner import run_job

from analyzer.plan_jobs import Job, plan_jobs

ROLE = "arn:aws:iam::123456789012:role/monitoring"
IMAGE = "registry.example/model-monitor-analyzer:1"


@dataclass
class Client:
    """A session of the SDK, and every request to SageMaker that it has made."""

    session: Any
    folder: Path
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def last(self, operation: str) -> dict[str, Any]:
        return next(request for name, request in reversed(self.requests) if name == operation)

    def execute(self, *jobs: Job) -> str:
        """Run jobs, or the processing job that was asked for last; gives the exit message of the last."""
        message = ""
        for number, job in enumerate(jobs or plan_jobs(self.last("CreateProcessingJob"))):
            code, message, log = run_job(job, self.folder / f"opt-ml-{len(self.requests)}-{number}")
            assert code == 0, message + log
        return message
