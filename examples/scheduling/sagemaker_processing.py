"""A processing job of SageMaker with our image, started by the SDK: once, or from a schedule of your own.

    python sagemaker_processing.py IMAGE_URI ROLE s3://bucket/data s3://bucket/report [s3://bucket/baseline]

Without a baseline the job learns one. Needs the SDK of generation 2 (pip install 'sagemaker<3').
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sagemaker.processing import ProcessingInput, ProcessingOutput, Processor

INPUT, BASELINE, OUTPUT = (f"/opt/ml/processing/{name}" for name in ("input", "baseline", "output"))
FORMAT = {"csv": {"header": True}}


def make_processor(image: str, role: str, *, has_baseline: bool, session: Any = None) -> Processor:
    """Describe the job: the machine that it runs on, and the variables that tell the analyzer what to do."""
    variables = {"dataset_format": json.dumps(FORMAT), "dataset_source": INPUT, "output_path": OUTPUT}
    if has_baseline:
        variables |= {f"baseline_{name}": f"{BASELINE}/{name}.json" for name in ("constraints", "statistics")}
    return Processor(
        role=role, image_uri=image, instance_count=1, instance_type="ml.m5.xlarge", volume_size_in_gb=20,
        max_runtime_in_seconds=3600, base_job_name="model-monitor", env=variables, sagemaker_session=session,
    )  # fmt: skip


def run(processor: Processor, data: str, report: str, baseline: str | None = None, *, wait: bool = True) -> None:
    """Start the job; its exit message says how it ended."""
    inputs = [ProcessingInput(source=data, destination=INPUT, input_name="data")]
    if baseline:
        inputs.append(ProcessingInput(source=baseline, destination=BASELINE, input_name="baseline"))
    processor.run(
        inputs=inputs,
        outputs=[ProcessingOutput(source=OUTPUT, destination=report, output_name="report")],
        wait=wait, logs=wait,
    )  # fmt: skip


if __name__ == "__main__":
    image, role, data, report, *baseline = sys.argv[1:]
    run(make_processor(image, role, has_baseline=bool(baseline)), data, report, *baseline)
