"""Requests in boto3's shapes become variables and mounts; what is wrong with them is said, not guessed."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime

import pytest

from analyzer.config import read_config
from analyzer.errors import ConfigError
from analyzer.plan_jobs import Input, Output, plan_jobs, read_from_s3

ROLE = "arn:aws:iam::123456789012:role/x"
REST = {
    "JobDefinitionName": "hourly",
    "JobResources": {"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}},
    "RoleArn": ROLE,
}
OUTPUT = {"MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://b/reports", "LocalPath": "/opt/ml/processing/output"}}]}
ENDPOINT = {"EndpointName": "churn", "LocalPath": "/opt/ml/processing/input/endpoint"}
BATCH = {
    "DataCapturedDestinationS3Uri": "s3://b/batch/",
    "DatasetFormat": {"Csv": {"Header": False}},
    "LocalPath": "/opt/ml/processing/input/batch",
}
BOTH = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
AT = datetime(2025, 2, 16, 12, tzinfo=UTC)
LABELS = {"GroundTruthS3Input": {"S3Uri": "s3://b/labels"}}
OUT = Output("result", "/opt/ml/processing/output", "s3://b/reports", "Continuous")


def definition(prefix, source=ENDPOINT, application=None, **more):
    labels = LABELS if prefix in {"ModelQuality", "ModelBias"} else {}
    place = {"BatchTransformInput": source} if "DatasetFormat" in source else {"EndpointInput": source}
    return copy.deepcopy(
        {
            **REST,
            f"{prefix}AppSpecification": {"ImageUri": "image", **(application or {})},
            f"{prefix}JobInput": {**place, **labels},
            f"{prefix}JobOutputConfig": OUTPUT,
            **more,
        }
    )


def test_a_data_quality_job_is_what_the_service_starts():
    request = definition(
        "DataQuality",
        {**ENDPOINT, "ExcludeFeaturesAttribute": "id,0", "S3DataDistributionType": "ShardedByS3Key"},
        {
            "Environment": {"publish_cloudwatch_metrics": "Disabled", "mine": "1", "dataset_source": "/elsewhere"},
            "RecordPreprocessorSourceUri": "s3://b/code/before.py",
            "PostAnalyticsProcessorSourceUri": "s3://b/code/after.py",
            "ContainerArguments": ["--log-level", "DEBUG"],
        },
        DataQualityBaselineConfig={
            "ConstraintsResource": {"S3Uri": "s3://b/base/edited.json"},
            "StatisticsResource": {"S3Uri": "s3://b/base/statistics.json"},
        },
    )
    window = (AT, datetime(2025, 2, 16, 13, tzinfo=UTC))
    (job,) = plan_jobs(request, captures="s3://b/captures/", schedule="hourly", window=window)
    assert dict(job.environment) == {
        "publish_cloudwatch_metrics": "Disabled",
        "mine": "1",
        "dataset_format": json.dumps(BOTH),
        "dataset_source": "/opt/ml/processing/input/endpoint",
        "output_path": "/opt/ml/processing/output",
        "monitoring_input_type": "ENDPOINT_INPUT",
        "sagemaker_endpoint_name": "churn",
        "sagemaker_monitoring_schedule_name": "hourly",
        "exclude_features_attribute": "id,0",
        "start_time": "2025-02-16T12:00:00Z",
        "end_time": "2025-02-16T13:00:00Z",
        "baseline_statistics": "/opt/ml/processing/baseline/stats/statistics.json",
        "baseline_constraints": "/opt/ml/processing/baseline/constraints/edited.json",
        "record_preprocessor_script": "/opt/ml/processing/code/preprocessing/before.py",
        "post_analytics_processor_script": "/opt/ml/processing/code/postprocessing/after.py",
    }
    assert job.inputs == (
        Input("endpoint_input_1", "s3://b/captures/churn", "/opt/ml/processing/input/endpoint/churn",
              distribution="ShardedByS3Key"),
        Input("baseline", "s3://b/base/statistics.json", "/opt/ml/processing/baseline/stats"),
        Input("constraints", "s3://b/base/edited.json", "/opt/ml/processing/baseline/constraints"),
        Input("pre_processor_script", "s3://b/code/before.py", "/opt/ml/processing/code/preprocessing"),
        Input("post_processor_script", "s3://b/code/after.py", "/opt/ml/processing/code/postprocessing"),
    )  # fmt: skip
    assert (job.outputs, job.arguments, job.instances) == ((OUT,), ("--log-level", "DEBUG"), 2)
    config = read_config(job.environment)
    assert config.exclude_features_attribute == ("id", 0)


def test_offsets_count_from_the_schedule_time():
    source = {**ENDPOINT, "StartTimeOffset": "-P8D", "EndTimeOffset": "-P1D"}
    (job,) = plan_jobs(
        definition("DataQuality", source), captures="s3://b/c", scheduled=datetime(2020, 1, 9, 13, tzinfo=UTC)
    )
    config = read_config(job.environment)
    assert (config.start_time, config.end_time) == (
        datetime(2020, 1, 1, 13, tzinfo=UTC),
        datetime(2020, 1, 8, 13, tzinfo=UTC),
    )


def test_a_batch_is_read_by_its_manifests_in_its_own_format():
    for given, told in (
        ({"Csv": {"Header": True}}, {"csv": {"header": True}}),
        ({"Json": {"Line": True}}, {"json": {"line": True}}),
        ({"Parquet": {}}, {"parquet": {}}),
    ):
        (job,) = plan_jobs(definition("DataQuality", {**BATCH, "DatasetFormat": given}))
        assert json.loads(job.environment["dataset_format"]) == told
        assert job.environment["monitoring_input_type"] == "BATCH_TRANSFORM_INPUT"
        assert "sagemaker_endpoint_name" not in job.environment
        assert job.inputs == (
            Input("batch_transform_input_1", "s3://b/batch/input", "/opt/ml/processing/input/batch", "ManifestFile"),
        )
        read_config(job.environment)
    with pytest.raises(ConfigError, match="manifests"):
        read_from_s3(job)


def test_a_model_quality_job_is_merged_first():
    source = {**ENDPOINT, "ProbabilityAttribute": "0", "ProbabilityThresholdAttribute": 0.5, "StartTimeOffset": "-PT2H"}
    request = definition("ModelQuality", source, {"ProblemType": "BinaryClassification"})
    merge, quality = plan_jobs(request, captures="s3://b/captures")
    assert dict(merge.environment) == {
        "dataset_source": "/opt/ml/processing/input_data",
        "ground_truth_source": "/opt/ml/processing/groundtruth",
        "output_path": "/opt/ml/processing/output",
        "start_time_offset": "-PT2H",
    }
    assert read_config(merge.environment).merges
    assert merge.inputs == (
        Input("groundtruth_input_1", "s3://b/labels", "/opt/ml/processing/groundtruth"),
        Input("endpoint_input_1", "s3://b/captures/churn", "/opt/ml/processing/input_data/churn"),
    )
    assert merge.outputs == (Output("result", "/opt/ml/processing/output", "s3://b/reports/merge"),)
    assert quality.environment["probability_threshold_attribute"] == "0.500000"
    assert json.loads(quality.environment["dataset_format"]) == {
        "sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"], "originalDatasetFormat": None}
    }
    assert quality.inputs[0].source == "s3://b/reports/merge/churn"
    config = read_config(quality.environment)
    assert (config.analysis_type, config.problem_type) == ("MODEL_QUALITY", "BinaryClassification")


def test_model_quality_of_a_batch_carries_the_original_format():
    request = definition("ModelQuality", {**BATCH, "InferenceAttribute": "3"}, {"ProblemType": "Regression"})
    merge, quality = plan_jobs(request, schedule="nightly")
    assert merge.inputs[1].source == "s3://b/batch/output"
    assert quality.inputs[0].source == "s3://b/reports/merge/nightly"
    assert json.loads(quality.environment["dataset_format"]) == {
        "sagemakerMergeJson": {
            "captureIndexNames": ["batchTransformOutput"],
            "originalDatasetFormat": {"csv": {"header": False}},
        }
    }
    read_config(quality.environment)


@pytest.mark.parametrize(
    ("prefix", "kind", "steps", "form"),
    [
        ("ModelBias", "MODEL_BIAS", 2, "sagemakerMergeJson"),
        ("ModelExplainability", "MODEL_EXPLAINABILITY", 1, "sagemakerCaptureJson"),
    ],
)
def test_bias_and_attribution_bring_their_configuration(prefix, kind, steps, form):
    request = definition(
        prefix,
        {**ENDPOINT, "FeaturesAttribute": "features", "InferenceAttribute": "label"},
        {"ConfigUri": "s3://b/config/analysis_config.json", "Environment": {"publish_cloudwatch_metrics": "Disabled"}},
        **{f"{prefix}BaselineConfig": {"ConstraintsResource": {"S3Uri": "s3://b/base/analysis.json"}}},
    )
    jobs = plan_jobs(request, captures="s3://b/captures", window=(AT, AT.replace(hour=13)))
    assert len(jobs) == steps
    job = jobs[-1]
    assert job.kind == job.environment["analysis_type"] == kind
    assert list(json.loads(job.environment["dataset_format"])) == [form]
    assert job.environment["features_attribute"] == "features"
    assert job.environment["baseline_constraints"] == "/opt/ml/processing/baseline/constraints/analysis.json"
    assert (
        Input("analysis_config", "s3://b/config/analysis_config.json", "/opt/ml/processing/input/config") in job.inputs
    )
    assert "problem_type" not in job.environment


def processing(**more):
    return {
        "ProcessingJobName": "mine",
        "ProcessingResources": REST["JobResources"],
        "AppSpecification": {"ImageUri": "image", "ContainerArguments": ["a"], "ContainerEntrypoint": ["b"]},
        "RoleArn": ROLE,
        "Environment": {"dataset_source": "/opt/ml/processing/input/data", "output_path": "/opt/ml/processing/output"},
        "ProcessingInputs": [
            {
                "InputName": "data",
                "S3Input": {
                    "S3Uri": "s3://b/data",
                    "LocalPath": "/opt/ml/processing/input/data",
                    "S3DataType": "S3Prefix",
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": "s3://b/out",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        **more,
    }


def test_a_processing_job_is_taken_as_it_is():
    (job,) = plan_jobs(processing())
    assert dict(job.environment) == processing()["Environment"]
    assert job.inputs == (Input("data", "s3://b/data", "/opt/ml/processing/input/data"),)
    assert job.outputs == (Output("out", "/opt/ml/processing/output", "s3://b/out"),)
    assert (job.kind, job.entrypoint, job.arguments, job.instances) == ("PROCESSING", ("b",), ("a",), 2)


def test_descriptions_of_what_is_there_are_taken_too():
    moment = {"CreationTime": AT, "ResponseMetadata": {"HTTPStatusCode": 200}}
    described = definition("DataQuality") | {"JobDefinitionArn": "arn:x" * 5, **moment}
    assert plan_jobs(described, captures="s3://b/c") == plan_jobs(definition("DataQuality"), captures="s3://b/c")
    job = processing(ProcessingJobArn="arn:x" * 5, ProcessingJobStatus="Completed", **moment)
    assert plan_jobs(job) == plan_jobs(processing())


# --- without mounts ---


def test_a_job_can_read_and_write_its_uris_by_itself():
    request = definition(
        "DataQuality",
        application={"RecordPreprocessorSourceUri": "s3://b/code/before.py"},
        DataQualityBaselineConfig={"ConstraintsResource": {"S3Uri": "s3://b/base/edited.json"}},
    )
    (job,) = plan_jobs(request, captures="s3://b/captures")
    free = read_from_s3(job)
    assert {name: value for name, value in free.environment.items() if "://" in value} == {
        "dataset_source": "s3://b/captures/churn",
        "output_path": "s3://b/reports",
        "baseline_constraints": "s3://b/base/edited.json",
        "record_preprocessor_script": "s3://b/code/before.py",
    }
    assert (free.inputs, free.outputs) == ((), ())
    read_config(free.environment)


def test_a_merge_without_mounts_writes_where_the_next_job_reads():
    request = definition("ModelBias", application={"ConfigUri": "s3://b/config/analysis_config.json"})
    merge, bias = (read_from_s3(job) for job in plan_jobs(request, captures="s3://b/captures"))
    assert merge.environment["dataset_source"] == "s3://b/captures/churn"
    assert merge.environment["output_path"] == bias.environment["dataset_source"] == "s3://b/reports/merge/churn"
    assert [each.name for each in bias.inputs] == ["analysis_config"], "this one has to be mounted all the same"


# --- what is refused ---


def without(request, name):
    return {key: value for key, value in request.items() if key != name}


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        ({}, "none of the members"),
        (definition("DataQuality") | definition("ModelBias"), "2 of the members"),
        (without(definition("DataQuality"), "RoleArn"), "RoleArn"),
        (definition("DataQuality") | {"Unknown": 1}, "Unknown"),
        (definition("DataQuality", {**ENDPOINT, "Offset": "x"}), "Offset"),
        (definition("DataQuality", application={"ImageUri": 7}), "ImageUri"),
        (definition("ModelBias"), "ConfigUri"),
        (definition("ModelQuality") | {"ModelQualityJobInput": {"EndpointInput": ENDPOINT}}, "GroundTruthS3Input"),
        (definition("DataQuality") | {"DataQualityJobInput": {}}, "neither"),
        (
            definition("DataQuality")
            | {"DataQualityJobInput": {"EndpointInput": ENDPOINT, "BatchTransformInput": BATCH}},
            "both",
        ),
        (
            definition("ModelQuality")
            | {"ModelQualityJobInput": {"EndpointInput": ENDPOINT, "GroundTruthS3Input": {}}},
            "no S3Uri",
        ),
        (definition("DataQuality", {**BATCH, "DatasetFormat": {}}), "DatasetFormat"),
        (definition("DataQuality", DataQualityBaselineConfig={"BaseliningJobName": "base"}), "base, and not said"),
        (processing(ProcessingInputs=[{"InputName": "data"}]), "The input data"),
        (processing(ProcessingOutputConfig={"Outputs": [{"OutputName": "out"}]}), "The output out"),
        (processing(Environment={"a": 1}), "Environment.a"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_run_are_refused(request_, found):
    with pytest.raises(ConfigError) as failure:
        plan_jobs(request_, captures="s3://b/captures")
    assert found in failure.value.message
    assert failure.value.hint


def test_an_endpoint_needs_the_place_of_its_captures():
    with pytest.raises(ConfigError, match="churn, but not where its captures are"):
        plan_jobs(definition("DataQuality"))
