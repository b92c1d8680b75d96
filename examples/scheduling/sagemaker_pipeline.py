"""A pipeline of SageMaker that checks data with our image: a QualityCheckStep, and a MonitorBatchTransformStep.

    python sagemaker_pipeline.py IMAGE_URI ROLE MODEL_NAME s3://bucket/folder    # writes the definition to stdout

The steps of the SDK name the service's own image; `OurCheckJobConfig` names ours. Needs the SDK of generation 2.
"""

from __future__ import annotations

import sys
from typing import Any

from sagemaker.model_monitor import DatasetFormat, ModelMonitor
from sagemaker.transformer import Transformer
from sagemaker.workflow.check_job_config import CheckJobConfig
from sagemaker.workflow.monitor_batch_transform_step import MonitorBatchTransformStep
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep


class OurCheckJobConfig(CheckJobConfig):
    """The configuration of a check, run in an image that the caller names."""

    def __init__(self, image: str, **more: Any) -> None:
        super().__init__(**more)
        self.image = image

    def _generate_model_monitor(self, mm_type: str) -> ModelMonitor | None:
        monitor = super()._generate_model_monitor(mm_type)
        if monitor is not None:
            monitor.image_uri = self.image
        return monitor


def make_pipeline(image: str, role: str, model: str, folder: str, session: PipelineSession | None = None) -> Pipeline:
    """Put both steps into a pipeline: training data is checked, then a batch transform and what it is given."""
    session = session or PipelineSession()
    job = OurCheckJobConfig(
        image, role=role, instance_type="ml.m5.xlarge", volume_size_in_gb=20, sagemaker_session=session
    )
    training = QualityCheckStep(
        name="training-data",
        quality_check_config=DataQualityCheckConfig(
            baseline_dataset=f"{folder}/training",
            dataset_format=DatasetFormat.csv(header=True),
            output_s3_uri=f"{folder}/training-report",
        ),
        check_job_config=job,
        skip_check=True,  # the first run has nothing to compare with
        register_new_baseline=True,
        model_package_group_name="model-monitor",
    )
    transformer = Transformer(
        model_name=model, instance_count=1, instance_type="ml.m5.xlarge",
        output_path=f"{folder}/predictions", base_transform_job_name="batch", sagemaker_session=session,
    )  # fmt: skip
    batch = MonitorBatchTransformStep(
        name="batch",
        transform_step_args=transformer.transform(data=f"{folder}/batch", content_type="text/csv", split_type="Line"),
        monitor_configuration=DataQualityCheckConfig(
            baseline_dataset=f"{folder}/batch",
            dataset_format=DatasetFormat.csv(header=False),  # columns are named by the baseline, by position
            output_s3_uri=f"{folder}/batch-report",
        ),
        check_job_configuration=job,
        monitor_before_transform=True,
        supplied_baseline_statistics=training.properties.CalculatedBaselineStatistics,
        supplied_baseline_constraints=training.properties.CalculatedBaselineConstraints,
    )
    return Pipeline(name="model-monitor", steps=[training, batch], sagemaker_session=session)


if __name__ == "__main__":
    print(make_pipeline(*sys.argv[1:]).definition())
