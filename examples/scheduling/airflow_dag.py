"""An Airflow DAG that monitors every hour: what would fail is found first, then the hour is compared with a baseline.

Needs the provider for Docker (apache-airflow-providers-docker). MONITOR_IMAGE names the image, MONITOR_FOLDER a folder
of the worker with `captures` (a folder for each hour) and `baseline`; reports go to `reports`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable
from docker.types import Mount

IMAGE = os.environ.get("MONITOR_IMAGE", "model-monitor-analyzer")
FOLDER = os.environ.get("MONITOR_FOLDER", "/opt/monitoring")
HOUR = "{{ data_interval_start.strftime('%Y/%m/%d/%H') }}"
DATA = f"/monitoring/captures/{HOUR}"
BASELINE = ["--baseline", "/monitoring/baseline"]
OUTPUT = ["--output", f"/monitoring/reports/{HOUR}"]
IN_CONTAINER = {
    "image": IMAGE,
    "mounts": [Mount(source=FOLDER, target="/monitoring", type="bind")],
    "mount_tmp_dir": False,
    "network_mode": "none",
    "auto_remove": "success",
}

with DAG(
    "model_monitor",
    schedule=CronDataIntervalTimetable("5 * * * *", timezone="UTC"),  # at 12:05 the hour that began at 11
    start_date=datetime(2025, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 1, "retry_delay": timedelta(minutes=5)},
):
    doctor = DockerOperator(task_id="doctor", command=["doctor", DATA, *BASELINE, *OUTPUT], **IN_CONTAINER)
    # Violations fail the task: an alert of yours can hang on that. They are no reason to try again.
    monitor = DockerOperator(
        task_id="monitor",
        command=["monitor", DATA, *BASELINE, *OUTPUT, "--fail-on-violations"],
        retries=0,
        **IN_CONTAINER,
    )
    doctor >> monitor
