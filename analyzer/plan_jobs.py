"""Requests of SageMaker's API to jobs that can run anywhere: their variables, and what is to be mounted where.

What the service does between a job definition and a container is known from job descriptions and the documentation:
docs/sagemaker-sdk.md says which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from analyzer.config import LOCATIONS, utc_text
from analyzer.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime

Request = Mapping[str, Any]
Kind = Literal["PROCESSING", "MERGE", "DATA_QUALITY", "MODEL_QUALITY", "MODEL_BIAS", "MODEL_EXPLAINABILITY"]
PROCESSING = "/opt/ml/processing"
CONSTRAINTS, STATISTICS = f"{PROCESSING}/baseline/constraints", f"{PROCESSING}/baseline/stats"
PREPROCESSING, POSTPROCESSING = f"{PROCESSING}/code/preprocessing", f"{PROCESSING}/code/postprocessing"
ANALYSIS_CONFIG = f"{PROCESSING}/input/config"
CAPTURES, GROUND_TRUTH, REPORTS = f"{PROCESSING}/input_data", f"{PROCESSING}/groundtruth", f"{PROCESSING}/output"


@dataclass(frozen=True, slots=True)
class Input:
    """What has to lie at `path` (below /opt/ml) when the job starts: all that is below `source`, or the one file.

    With a `data_type` of ManifestFile, what lies below `source` are manifests, and the files that they name are meant.
    """

    name: str
    source: str
    path: str
    data_type: str = "S3Prefix"
    distribution: str = "FullyReplicated"
    mode: str = "File"


@dataclass(frozen=True, slots=True)
class Output:
    """What is to be uploaded from `path` to `destination` when the job has ended (or while it runs: Continuous)."""

    name: str
    path: str
    destination: str
    upload_mode: str = "EndOfJob"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the container: which it is, its image and command, its variables, and its files."""

    kind: Kind
    image: str
    environment: Mapping[str, str]
    inputs: Sequence[Input] = ()
    outputs: Sequence[Output] = ()
    entrypoint: Sequence[str] = ()
    arguments: Sequence[str] = ()
    instances: int = 1


def plan_jobs(
    request: Request,
    *,
    captures: str | None = None,
    schedule: str | None = None,
    scheduled: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
) -> tuple[Job, ...]:
    """Turn a request into jobs, in the order in which they have to run: a merge first where there are labels.

    The request is what one of the calls of `OPERATIONS` is given, or what the call that describes it answers, in the
    shapes of boto3. A job definition leaves to say: where the data capture of the endpoint writes to (`captures`,
    without the name of the endpoint), the name of the schedule, the time that the offsets of the window count from
    (the current hour if left out), or the window itself, start and end.

    Raises ConfigError for a request of no such call, for members that its shape lacks or has not, and for what a job
    definition needs but does not say.
    """
    operation = _operation_of(request)
    _validate(operation, request)
    if operation.kind == "PROCESSING":
        return (_processing_job(request),)
    circumstances = _Circumstances(captures, schedule, scheduled, window)
    return operation.plan(_Definition.of(operation, request, circumstances))


def read_from_s3(job: Job) -> Job:
    """Have a job read and write its URIs by itself; `inputs` and `outputs` are then what still has to be mounted.

    Raises ConfigError where an input is a manifest, whose files only a mount can put together.
    """
    for each in job.inputs:
        if each.data_type == "ManifestFile":
            raise ConfigError(
                f"The input {each.name} of the job is the files that manifests below {each.source} name.",
                f"Put these files into {each.path}.",
            )
    places = {each.path: each.source for each in job.inputs} | {each.path: each.destination for each in job.outputs}
    told = {name: job.environment[name] for name in LOCATIONS if name in job.environment}
    mounts = {name: mount for name, path in told.items() if (mount := _mount_of(path, places)) is not None}
    uris = {name: _uri_of(told[name], mount, places[mount]) for name, mount in mounts.items()}
    if job.kind == "MERGE":  # what it writes lies below the name of the endpoint, which the source now has in it
        name = mounts["dataset_source"].removeprefix(told["dataset_source"])
        uris["output_path"] += name
    return replace(
        job,
        environment={**job.environment, **uris},
        inputs=tuple(each for each in job.inputs if each.path not in mounts.values()),
        outputs=tuple(each for each in job.outputs if each.path not in mounts.values()),
    )


def _mount_of(path: str, mounts: Iterable[str]) -> str | None:
    """Find the mount that a path is in, or the only one that is in it."""
    around = [each for each in mounts if _is_below(path, each)]
    within = [each for each in mounts if _is_below(each, path)]
    if around:
        return max(around, key=len)
    return within[0] if len(within) == 1 else None


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _uri_of(path: str, mount: str, source: str) -> str:
    """Say where a path of the container comes from; a single file is mounted into a folder, under its own name."""
    rest = path.removeprefix(mount).strip("/") if _is_below(path, mount) else ""
    return source if not rest or source.endswith(f"/{rest}") else f"{source.rstrip('/')}/{rest}"


# --- which call it is -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the API: the name of what it creates, the prefix of its members, and how it becomes jobs."""

    noun: str
    prefix: str
    kind: Kind
    plan: Callable[[_Definition], tuple[Job, ...]]

    @property
    def marker(self) -> str:
        """A member that requests of no other call have."""
        return f"{self.prefix}AppSpecification"

    @property
    def arn(self) -> str:
        """A member that only descriptions have."""
        return "ProcessingJobArn" if self.kind == "PROCESSING" else "JobDefinitionArn"


def _operation_of(request: Request) -> Operation:
    found = [each for each in OPERATIONS if each.marker in request]
    if len(found) == 1:
        return found[0]
    calls = ", ".join(f"Create{each.noun} ({each.marker})" for each in OPERATIONS)
    raise ConfigError(
        f"The request has {len(found) or 'none'} of the members that tell what it is.", f"It must be one of {calls}."
    )


def _validate(operation: Operation, request: Request) -> None:
    """Check members, their types and lengths by the model of the service that botocore has."""
    from botocore.validate import ParamValidator

    described = operation.arn in request
    call = _service().operation_model(f"{'Describe' if described else 'Create'}{operation.noun}")
    shape = call.output_shape if described else call.input_shape
    plain = {name: value for name, value in request.items() if name != "ResponseMetadata"}
    report = ParamValidator().validate(plain, shape)
    if report.has_errors():
        raise ConfigError(
            f"The request is no {call.name}: {'; '.join(report.generate_report().splitlines())}.",
            "Correct it; the shapes are those of boto3.",
        )


@lru_cache(maxsize=1)
def _service() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"))


# --- a processing job -------------------------------------------------------------------------------------------------


def _processing_job(request: Request) -> Job:
    """Take a processing job as it is: it says everything itself."""
    application = request["AppSpecification"]
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return Job(
        "PROCESSING",
        application["ImageUri"],
        dict(request.get("Environment", {})),
        tuple(_processing_input(each) for each in request.get("ProcessingInputs", ())),
        tuple(_processing_output(each) for each in outputs),
        tuple(application.get("ContainerEntrypoint", ())),
        tuple(application.get("ContainerArguments", ())),
        request["ProcessingResources"].get("ClusterConfig", {}).get("InstanceCount", 1),
    )


def _processing_input(each: Request) -> Input:
    found = each.get("S3Input")
    if found is None or not found.get("LocalPath"):
        raise ConfigError(
            f"The input {each['InputName']} of the processing job has no S3Input with a LocalPath.",
            "Only inputs from S3 can be mounted.",
        )
    return Input(
        each["InputName"],
        found["S3Uri"],
        found["LocalPath"],
        found["S3DataType"],
        found.get("S3DataDistributionType", "FullyReplicated"),
        found.get("S3InputMode", "File"),
    )


def _processing_output(each: Request) -> Output:
    found = each.get("S3Output")
    if found is None or not found.get("LocalPath"):
        raise ConfigError(
            f"The output {each['OutputName']} of the processing job has no S3Output with a LocalPath.",
            "Only outputs to S3 can be uploaded.",
        )
    return Output(each["OutputName"], found["LocalPath"], found["S3Uri"], found["S3UploadMode"])


# --- job definitions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """What a job definition does not say, as `plan_jobs` is told it."""

    captures: str | None
    schedule: str | None
    scheduled: datetime | None
    window: tuple[datetime, datetime] | None


@dataclass(frozen=True, slots=True)
class _Definition:
    """A job definition by its parts, whose members have other names for each kind."""

    kind: Kind
    application: Request
    baseline: Request
    source: Request
    labels: str | None
    output: Request
    circumstances: _Circumstances
    batch: bool
    instances: int

    @staticmethod
    def of(operation: Operation, request: Request, circumstances: _Circumstances) -> _Definition:
        inputs = request[f"{operation.prefix}JobInput"]
        given = [name for name in ("EndpointInput", "BatchTransformInput") if name in inputs]
        if len(given) != 1:
            raise ConfigError(
                f"{operation.prefix}JobInput has {'both' if given else 'neither'} EndpointInput and "
                "BatchTransformInput.",
                "Give one of them.",
            )
        labels = inputs.get("GroundTruthS3Input", {}).get("S3Uri")
        if "GroundTruthS3Input" in inputs and labels is None:
            raise ConfigError("GroundTruthS3Input has no S3Uri.", "Say where the labels lie.")
        return _Definition(
            operation.kind,
            request[operation.marker],
            request.get(f"{operation.prefix}BaselineConfig", {}),
            inputs[given[0]],
            labels,
            request[f"{operation.prefix}JobOutputConfig"]["MonitoringOutputs"][0]["S3Output"],
            circumstances,
            given == ["BatchTransformInput"],
            request["JobResources"]["ClusterConfig"]["InstanceCount"],
        )

    # --- where the data is ---

    def captures(self) -> tuple[str, str]:
        """Say where the traffic lies, and what it is called below a mount."""
        if self.batch:
            return str(self.source["DataCapturedDestinationS3Uri"]).rstrip("/"), self.circumstances.schedule or "batch"
        if self.circumstances.captures is None:
            raise ConfigError(
                f"The job definition names the endpoint {self.source['EndpointName']}, but not where its captures are.",
                "Say so in captures: it is DestinationS3Uri of the DataCaptureConfig of the endpoint's configuration.",
            )
        endpoint = str(self.source["EndpointName"])
        return f"{self.circumstances.captures.rstrip('/')}/{endpoint}", endpoint

    def mounted(self, source: str, path: str, data_type: str = "S3Prefix") -> Input:
        """Give an input with the mode and distribution that the definition wants for its data."""
        distribution = self.source.get("S3DataDistributionType", "FullyReplicated")
        name = "batch_transform_input_1" if self.batch else "endpoint_input_1"
        return Input(name, source, path, data_type, distribution, self.source.get("S3InputMode", "File"))

    def captured(self) -> tuple[Input, dict[str, Any]]:
        """Give the traffic itself and its format: of a batch that is what went in, which manifests name."""
        source, name = self.captures()
        path = self.source["LocalPath"].rstrip("/")
        if self.batch:
            return self.mounted(f"{source}/input", path, "ManifestFile"), _batch_format(self.source)
        both = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
        return self.mounted(source, f"{path}/{name}"), both

    def labelled(self, *halves: str) -> tuple[Input, dict[str, Any]]:
        """Give what the merge writes and its format: of a batch with what came out, of an endpoint with `halves`."""
        _, name = self.captures()
        original = _batch_format(self.source) if self.batch else None
        names = ["batchTransformOutput"] if self.batch else list(halves)
        described = {"sagemakerMergeJson": {"captureIndexNames": names, "originalDatasetFormat": original}}
        return self.mounted(f"{self.merged()}/{name}", f"{self.source['LocalPath'].rstrip('/')}/{name}"), described

    # --- variables ---

    def environment(self, dataset_format: Request, **more: str) -> dict[str, str]:
        """Give the variables of the analysis; those of the definition's own Environment yield to what it says."""
        named = {
            "sagemaker_endpoint_name": self.source.get("EndpointName"),
            "sagemaker_monitoring_schedule_name": self.circumstances.schedule,
            "exclude_features_attribute": self.source.get("ExcludeFeaturesAttribute"),
        }
        return {
            **self.application.get("Environment", {}),
            "dataset_format": json.dumps(dataset_format),
            "dataset_source": self.source["LocalPath"],
            "output_path": self.output["LocalPath"],
            "monitoring_input_type": "BATCH_TRANSFORM_INPUT" if self.batch else "ENDPOINT_INPUT",
            **{name: str(value) for name, value in named.items() if value is not None},
            **self.window(),
            **more,
        }

    def window(self) -> dict[str, str]:
        told = self.circumstances
        if told.window is not None:
            start, end = (utc_text(each) for each in told.window)
            return {"start_time": start, "end_time": end}
        offsets = {"start_time_offset": "StartTimeOffset", "end_time_offset": "EndTimeOffset"}
        found = {name: self.source[member] for name, member in offsets.items() if member in self.source}
        if found and told.scheduled is not None:
            found["ANALYZER_SCHEDULE_TIME"] = utc_text(told.scheduled)
        return found

    def attributes(self, *names: str) -> dict[str, str]:
        """Give the variables that say where things stand in payloads; the threshold with the service's six digits."""
        members = {name: "".join(word.capitalize() for word in name.split("_")) for name in names}
        found = {name: self.source[member] for name, member in members.items() if member in self.source}
        return {name: f"{value:.6f}" if isinstance(value, float) else str(value) for name, value in found.items()}

    # --- files ---

    def baselines(self) -> _Files:
        """Give the files of the baseline, which keep their names.

        Raises ConfigError where only the job is named that wrote them.
        """
        found = {member: self.baseline.get(member, {}).get("S3Uri") for member in BASELINES}
        if not any(found.values()) and "BaseliningJobName" in self.baseline:
            raise ConfigError(
                f"The baseline is that of {self.baseline['BaseliningJobName']}, and not said where its files are.",
                "Say where they are in ConstraintsResource (and StatisticsResource).",
            )
        return _files(found, BASELINES)

    def scripts(self) -> _Files:
        return _files(self.application, SCRIPTS)

    def job(self, environment: Mapping[str, str], data: Input, *others: Sequence[Input]) -> Job:
        output = self.output
        return Job(
            self.kind,
            self.application["ImageUri"],
            environment,
            (data, *(each for some in others for each in some)),
            (Output("result", output["LocalPath"], output["S3Uri"], output.get("S3UploadMode", "Continuous")),),
            tuple(self.application.get("ContainerEntrypoint", ())),
            tuple(self.application.get("ContainerArguments", ())),
            self.instances,
        )

    def merge(self) -> Job:
        """Give the job that puts captures and labels together, below `merge` beside the reports."""
        assert self.labels is not None
        source, name = self.captures()
        variables = {"dataset_source": CAPTURES, "ground_truth_source": GROUND_TRUTH, "output_path": REPORTS}
        inputs = (
            Input("groundtruth_input_1", self.labels, GROUND_TRUTH),
            # The merge itself follows the manifests of a batch.
            self.mounted(f"{source}/output" if self.batch else source, f"{CAPTURES}/{name}"),
        )
        outputs = (Output("result", REPORTS, self.merged()),)
        return Job("MERGE", self.application["ImageUri"], {**variables, **self.window()}, inputs, outputs)

    def merged(self) -> str:
        return f"{self.output['S3Uri'].rstrip('/')}/merge"


_Files = tuple[dict[str, str], list[Input]]
"""Variables that name files, and the mounts that bring them."""
BASELINES = {
    "StatisticsResource": ("baseline", "baseline_statistics", STATISTICS),
    "ConstraintsResource": ("constraints", "baseline_constraints", CONSTRAINTS),
}
SCRIPTS = {
    "RecordPreprocessorSourceUri": ("pre_processor_script", "record_preprocessor_script", PREPROCESSING),
    "PostAnalyticsProcessorSourceUri": ("post_processor_script", "post_analytics_processor_script", POSTPROCESSING),
}
"""By member: the name of the input, the variable, and the folder into which the service mounts the file."""


def _files(uris: Mapping[str, str | None], table: Mapping[str, tuple[str, str, str]]) -> _Files:
    variables, inputs = {}, []
    for member, (name, variable, folder) in table.items():
        uri = uris.get(member)
        if uri is not None:
            variables[variable] = f"{folder}/{uri.rstrip('/').rpartition('/')[2]}"
            inputs.append(Input(name, uri, folder))
    return variables, inputs


def _batch_format(source: Request) -> dict[str, Any]:
    """Write the format of a batch as dataset_format does.

    Raises ConfigError unless it is one.
    """
    found = source["DatasetFormat"]
    if len(found) != 1:
        raise ConfigError(f"DatasetFormat is {dict(found)!r}.", "Give one of Csv, Json and Parquet.")
    (name, options), *_ = found.items()
    return {name.lower(): {option.lower(): value for option, value in options.items()}}


def _plan_data_quality(definition: _Definition) -> tuple[Job, ...]:
    (variables, files), (named, scripts) = definition.baselines(), definition.scripts()
    data, described = definition.captured()
    return (definition.job(definition.environment(described, **variables, **named), data, files, scripts),)


def _plan_model_quality(definition: _Definition) -> tuple[Job, ...]:
    (variables, files), (named, scripts) = definition.baselines(), definition.scripts()
    data, described = definition.labelled("endpointOutput")
    attributes = definition.attributes(*OF_PREDICTIONS)
    problem = definition.application.get("ProblemType")
    kind = {"analysis_type": definition.kind} | ({"problem_type": problem} if problem is not None else {})
    environment = definition.environment(described, **kind, **attributes, **variables, **named)
    return definition.merge(), definition.job(environment, data, files, scripts)


def _plan_bias(definition: _Definition) -> tuple[Job, ...]:
    return definition.merge(), _analysis(definition, *definition.labelled("endpointInput", "endpointOutput"))


def _plan_explainability(definition: _Definition) -> tuple[Job, ...]:
    return (_analysis(definition, *definition.captured()),)


def _analysis(definition: _Definition, data: Input, described: Request) -> Job:
    """Give the job of bias or attribution, which analysis_config.json says the rest of."""
    variables, files = definition.baselines()
    attributes = definition.attributes("features_attribute", *OF_PREDICTIONS)
    environment = definition.environment(described, analysis_type=definition.kind, **attributes, **variables)
    config = Input("analysis_config", definition.application["ConfigUri"], ANALYSIS_CONFIG)
    return definition.job(environment, data, files, [config])


OF_PREDICTIONS = ("inference_attribute", "probability_attribute", "probability_threshold_attribute")
OPERATIONS = (
    Operation("ProcessingJob", "", "PROCESSING", lambda _: ()),
    Operation("DataQualityJobDefinition", "DataQuality", "DATA_QUALITY", _plan_data_quality),
    Operation("ModelQualityJobDefinition", "ModelQuality", "MODEL_QUALITY", _plan_model_quality),
    Operation("ModelBiasJobDefinition", "ModelBias", "MODEL_BIAS", _plan_bias),
    Operation("ModelExplainabilityJobDefinition", "ModelExplainability", "MODEL_EXPLAINABILITY", _plan_explainability),
)
"""The calls whose requests can be turned into jobs."""
