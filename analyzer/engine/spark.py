"""The engine on Spark: the same kernel in its tasks, states merged in groups before they reach the driver."""

from __future__ import annotations

import importlib.util
import logging
import os
import pickle
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from heapq import heapreplace
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from analyzer.analyze import GROUP, Folded, Task, fold_batches, fold_partition, grouped, merge_folded
from analyzer.analyzers.table import Batch, Run
from analyzer.config import JobConfig, find_root, without_credentials
from analyzer.dataset_formats import SparkFormat
from analyzer.engine.class_archive import archive_path, archiving_options, java_options
from analyzer.engine.deequ_jars import CURE, find_jars
from analyzer.engine.java_surroundings import java_variables
from analyzer.engine.local import TUNED, tune_workers
from analyzer.engine.progress import Progress
from analyzer.errors import AnalyzerError, EngineError, InputError
from analyzer.heed_signals import keeping_interrupt
from analyzer.read import Partition

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")
FOLDED = "id long, bunch long, outcome binary"
POLL_SECONDS = 1.0
TOLD_TO_TASKS = (
    "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE",
    "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE",
)  # fmt: skip
"""Variables that tasks get from the driver: where S3 is. Credentials they find themselves, as the AWS clients do."""
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})
ARCHIVE_SECONDS = 600
DEEQU_CLASSES = ("com.amazon.deequ.dqdl.EvaluateDataQuality", "software.amazon.glue.dqdl.parser.DQDLParser")
TASKS_PER_CORE = 2
"""Starting a task costs about 0.15 s, so small partitions share one; more than one a core keeps all cores busy."""
TASKS_WITHOUT_CONTEXT = 64
GROUPS_PER_CORE = 4
"""From so many on, cores that take one whole group after the other are busy most of the time."""
MOST_IDLE = 1.15
"""Fewer groups are taken whole where that takes so much longer, at the most, than sharing all work evenly."""
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
SUBMIT = "PYSPARK_SUBMIT_ARGS"
SUBMITTED = "PYSPARK_GATEWAY_PORT"
"""Set by spark-submit for the Python program that it runs."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Executors that a run has brought itself: settings of a session on them, and those that only a file may hold.

    `patience` is how many seconds the run goes on without any executor.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    properties: Path | None = None
    patience: float | None = None


NO_DEPLOYMENT = Deployment()


# --- session ----------------------------------------------------------------------------------------------------------


def has_java() -> bool:
    """Tell whether Spark would find a Java to start."""
    return find_java() is not None


def find_java() -> str | None:
    """Find the Java that Spark would start: that of JAVA_HOME, else the first on the path."""
    home = os.environ.get("JAVA_HOME")
    own = os.path.join(home, "bin", "java") if home else ""  # noqa: PTH118
    return own if own and os.access(own, os.X_OK) else shutil.which("java")


@contextmanager
def spark_session(config: JobConfig, deployment: Deployment = NO_DEPLOYMENT) -> Iterator[SparkSession]:
    """Start Spark, or take the session there is, and stop it only if it was started here.

    The master is the deployment's, else `SPARK_MASTER`, else what Spark's own configuration says, else this machine's
    cores.
    Raises EngineError where there is no Java or Spark does not start.
    """
    if importlib.util.find_spec("pyspark") is None or not has_java():
        raise EngineError(
            "ANALYZER_ENGINE=spark needs Java 17, which was not found.",
            "Install it (Debian: openjdk-17-jre-headless), set JAVA_HOME, or set ANALYZER_ENGINE=local.",
        )
    from pyspark.sql import SparkSession

    existing = SparkSession.getActiveSession()
    if existing is None:
        with _started(config, deployment) as session:
            yield _checked(session, config)
    else:
        yield _checked(existing, config)


@contextmanager
def _started(config: JobConfig, deployment: Deployment) -> Iterator[SparkSession]:
    jars = _jar_settings(config) if config.needs_deequ else NO_SETTINGS
    with tempfile.TemporaryDirectory(prefix="analyzer-spark-") as scratch:
        with _submitted_with(deployment.properties):
            session = _start(config.cores, scratch, {**deployment.settings, **jars})
        try:
            yield session
        finally:
            _stop_callbacks(session)
            session.stop()


def _checked(session: SparkSession, config: JobConfig) -> SparkSession:
    if config.needs_deequ:
        _require_deequ(session)
    return session


@contextmanager
def _submitted_with(properties: Path | None) -> Iterator[None]:
    """Hand Spark a file of settings beside the user's own: what is given otherwise stands on its command line."""
    if properties is None:
        yield
        return
    given = os.environ.get(SUBMIT)
    os.environ[SUBMIT] = f"--properties-file {properties} --load-spark-defaults {given or 'pyspark-shell'}"
    try:
        yield
    finally:
        os.environ.pop(SUBMIT)
        if given is not None:
            os.environ[SUBMIT] = given


def _jar_settings(config: JobConfig) -> dict[str, str]:
    """Put Deequ's jars on the class path, unless Spark's own configuration is to say where they are."""
    try:
        return {"spark.jars": ",".join(map(str, find_jars(config.deequ_jar, spark_version())))}
    except EngineError:
        if config.deequ_jar or not _is_configured():
            raise
        return {}


def spark_version() -> str:
    """Major and minor version of the PySpark that is installed, such as `4.1`."""
    import pyspark

    return ".".join(pyspark.__version__.split(".")[:2])


def _require_deequ(session: SparkSession) -> None:
    """Look for Deequ in the session's JVM, and tell PyDeequ, which asks for it when imported, Spark's version."""
    os.environ["SPARK_VERSION"] = spark_version()
    jvm: Any = session._jvm  # noqa: SLF001 (as PyDeequ does; there is no public way)
    # py4j gives a package for what it does not find, without a word.
    missing = [name for name in DEEQU_CLASSES if type(attrgetter(name)(jvm)).__name__ != "JavaClass"]
    if missing:
        raise EngineError(
            f"Deequ is not on the class path of Spark: {missing[0]} was not found.",
            CURE.format(spark=spark_version()),
        )


def _stop_callbacks(session: SparkSession) -> None:
    """End the thread with which Deequ calls Python back; while it listens, the process does not end."""
    gateway: Any = session.sparkContext._gateway  # noqa: SLF001 (PyDeequ's own cure; there is no public way)
    if gateway is not None and gateway.get_callback_server() is not None:
        gateway.shutdown_callback_server()


def _start(cores: int, scratch: str, more: Mapping[str, str] = NO_SETTINGS) -> SparkSession:
    from pyspark.sql import SparkSession

    tune_workers()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("analyzer")
    settings = {**_settings(cores, scratch, more), **more}
    for key, value in settings.items():
        builder = builder.config(key, value)
    is_local = settings.get("spark.master", "").startswith("local")
    try:
        with keeping_interrupt(), _variables(java_variables(Path(scratch), is_local=is_local) | _bound_to(settings)):
            session = builder.getOrCreate()
    except Exception as error:
        raise EngineError(
            f"Spark did not start: {error}.", "See the log above, or set ANALYZER_ENGINE=local."
        ) from error
    session.sparkContext.setLogLevel("ERROR")
    if str(session.sparkContext.master).startswith("local"):
        _start_workers(session)
    return session


def _bound_to(settings: Mapping[str, str]) -> dict[str, str]:
    """Have what the driver binds without being asked bound to the address that it was given."""
    address = settings.get("spark.driver.bindAddress")
    return {"SPARK_LOCAL_IP": address} if address else {}


@contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the JVM that is started meanwhile; those that are set already stay as they are."""
    missing = {name: text for name, text in wanted.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def _start_workers(session: SparkSession) -> None:
    """Have the Python workers of one machine start and load the kernel, a task each, as a part of starting Spark."""

    def load(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import analyzer.readers.csv_files
        import analyzer.readers.reading  # noqa: F401 (what a task needs first)

        yield from batches

    cores = _parallelism(session)
    with interpreted(session):
        run_on_spark(lambda: session.range(0, cores, 1, cores).mapInArrow(load, "id long").collect())


def prepare() -> Path:
    """Write the archive of classes that later sessions on this machine start with, and return its path.

    Raises EngineError where Spark does not start or writes none.
    """
    from pyspark import SparkContext

    path = archive_path()
    fresh = path.with_suffix(".new")
    with tempfile.TemporaryDirectory(prefix="analyzer-spark-") as scratch:
        session = _start(1, scratch, {"spark.driver.extraJavaOptions": archiving_options(fresh)})
        frame = session.range(0, 4, 1, 4).mapInArrow(lambda batches: batches, "id long")
        with interpreted(session):
            frame.groupBy("id").applyInArrow(lambda rows: rows, "id long").collect()
        session.stop()
        gateway: Any = SparkContext._gateway  # noqa: SLF001 (the JVM writes the archive when it ends, which has no public way)
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(ARCHIVE_SECONDS)
    if not fresh.is_file():
        raise EngineError(f"Java wrote no {fresh}.", "Spark works without it; check that the folder can be written.")
    fresh.replace(path)
    return path


def _settings(cores: int, scratch: str, given: Mapping[str, str]) -> dict[str, str]:
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": os.path.join(scratch, "warehouse"),  # noqa: PTH118
        "spark.sql.session.timeZone": "UTC",
        **{f"spark.executorEnv.{name}": os.environ[name] for name in (*TUNED, *TOLD_TO_TASKS) if name in os.environ},
        # Tasks are few and each is a file split: joining small shuffles would only serialise their merging.
        "spark.sql.shuffle.partitions": str(cores * 2),
    }
    if "spark.master" in given:
        return settings
    master = os.environ.get("SPARK_MASTER")
    if master is None and not _is_configured():
        master = f"local[{cores}]"
    if master is not None:
        settings["spark.master"] = master
        if master.startswith("local"):
            settings |= {
                "spark.driver.extraJavaOptions": java_options(),
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.local.dir": scratch,
            }
    return settings


def has_master() -> bool:
    """Tell whether there is a cluster already that the job was told to use."""
    return "SPARK_MASTER" in os.environ or _is_configured()


def _is_configured() -> bool:
    """Tell whether spark-submit or spark-defaults.conf names a master."""
    if "--master" in os.environ.get(SUBMIT, "") or SUBMITTED in os.environ:
        return True
    folder = os.environ.get("SPARK_CONF_DIR") or os.path.join(os.environ.get("SPARK_HOME", "/nowhere"), "conf")  # noqa: PTH118
    defaults = os.path.join(folder, "spark-defaults.conf")  # noqa: PTH118
    if not os.path.isfile(defaults):  # noqa: PTH113
        return False
    with Path(defaults).open(encoding="utf-8") as lines:
        return any(line.split()[:1] == ["spark.master"] for line in lines)


# --- partitions -------------------------------------------------------------------------------------------------------


def fold_on_spark(
    session: SparkSession, partitions: Sequence[Partition], task: Task, patience: float | None = None
) -> list[Folded]:
    """Fold partitions in groups of neighbours.

    Where that keeps all cores busy, a task folds whole groups; else a task takes a few partitions, and their states
    are merged by other tasks. Raises EngineError where Spark fails for a reason outside the data, or has no executors
    for `patience` seconds.
    """
    cores = _parallelism(session)
    groups = grouped(partitions)
    if len(groups) > 1 and are_even(groups, cores):
        return _fold_groups(session, groups, task, patience)
    work = list(partitions)
    content = script_of(task)

    def fold(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with seen_from_here(task, content) as here:
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    yield _row(number, number // GROUP, fold_partition(work[number], here))

    tasks = min(len(work), TASKS_PER_CORE * cores)
    folded = session.range(0, len(work), 1, tasks).mapInArrow(fold, FOLDED)
    with interpreted(session):
        if len(groups) > 1:
            return _collect(session, _merged(folded), tasks, patience)
        return [merge_folded(_collect(session, folded, tasks, patience))]


def are_even(groups: Sequence[Sized], cores: int) -> bool:
    """Tell whether cores that take one whole group after the other, in order, end at about the same time."""
    if len(groups) >= GROUPS_PER_CORE * cores:
        return True
    busy = [0] * cores
    for group in groups:
        heapreplace(busy, busy[0] + len(group))
    return max(busy) * cores <= MOST_IDLE * sum(busy)


def _fold_groups(
    session: SparkSession, groups: Sequence[Sequence[Partition]], task: Task, patience: float | None
) -> list[Folded]:
    content = script_of(task)

    def fold(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with seen_from_here(task, content) as here:
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    yield _row(number, number, merge_folded(fold_partition(each, here) for each in groups[number]))

    folded = session.range(0, len(groups), 1, len(groups)).mapInArrow(fold, FOLDED)
    with interpreted(session):
        return _collect(session, folded, len(groups), patience)


def script_of(task: Task) -> bytes:
    """Read the script, to be sent along; where there is none, or no file, the tasks say so."""
    script = task.reading.script
    return script.read_bytes() if script and script.is_file() else b""


def root_here() -> Path:
    """Find the root of the host on which a task runs."""
    return find_root(os.environ)


@contextmanager
def seen_from_here(task: Task, content: bytes) -> Iterator[Task]:
    """Let a task on another host find what it has itself below its own root, and the script where it has none."""
    if task.peers:
        task = replace(task, peers=task.peers.seen_from(root_here()))
    script = task.reading.script
    if script is None or script.is_file() or not content:
        yield task
        return
    with tempfile.TemporaryDirectory(prefix="analyzer-scripts-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder, script.name)
        copy.write_bytes(content)
        yield replace(task, reading=replace(task.reading, script=copy))


def _parallelism(session: SparkSession) -> int:
    """How many tasks run at once; Spark Connect does not say."""
    context = getattr(session, "sparkContext", None)
    return int(context.defaultParallelism) if context is not None else TASKS_WITHOUT_CONTEXT


@contextmanager
def interpreted(session: SparkSession) -> Iterator[None]:
    """Have Spark compile nothing for a plan that only hands a few rows to Python: it takes longer than they do."""
    kept = {key: session.conf.get(key) for key in INTERPRETED}
    for key, value in INTERPRETED.items():
        session.conf.set(key, value)
    try:
        yield
    finally:
        with suppress(Exception):  # Spark is gone, which says itself why
            for key, before in kept.items():
                session.conf.set(key, str(before))


def _row(number: int, group: int, folded: Folded) -> pa.RecordBatch:
    return pa.record_batch(
        {
            "id": pa.array([number], pa.int64()),
            "bunch": pa.array([group], pa.int64()),
            "outcome": [pickle.dumps(folded, 5)],
        }
    )


def _merge_group(rows: pa.Table) -> pa.Table:
    ordered = rows.sort_by("id")
    merged = merge_folded(pickle.loads(outcome) for outcome in ordered.column("outcome").to_pylist())  # noqa: S301 (our own bytes)
    return pa.Table.from_batches([_row(merged.first, ordered.column("bunch")[0].as_py(), merged)])


def _merged(folded: DataFrame) -> DataFrame:
    """Merge the states of each group on the cluster."""
    return folded.groupBy("bunch").applyInArrow(_merge_group, FOLDED)


def _collect(session: SparkSession, folded: DataFrame, tasks: int, patience: float | None = None) -> list[Folded]:
    """Bring states to the driver, in order; `tasks` is the number of those that fold."""
    with watched(session, tasks, patience):
        rows = run_on_spark(lambda: folded.select("id", "bunch", "outcome").collect())
    rows.sort(key=lambda row: row["id"])
    return [pickle.loads(bytes(row["outcome"])) for row in rows]  # noqa: S301 (our own bytes)


def run_on_spark(action: Callable[[], Any]) -> Any:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return action()
    except (PySparkException, Py4JError, ConnectionError) as error:
        text = str(error)
        reason = next(
            (line for line in reversed(text.splitlines()) if "Error" in line or "Exception" in line), text[:300]
        )
        raise EngineError(
            f"Spark failed: {reason.strip()[:400]}",
            "The full trace is in the log; set ANALYZER_LOG_LEVEL=DEBUG for more.",
        ) from error


@contextmanager
def watched(session: SparkSession, tasks: int, patience: float | None) -> Iterator[None]:
    """Follow the tasks of the running job; Spark Connect has no tracker and shows no progress.

    Raises EngineError where there were no executors for `patience` seconds; Spark would wait for ever.
    """
    context = getattr(session, "sparkContext", None)
    if context is None:
        yield
        return
    ended = threading.Event()
    deserted = threading.Event()
    watchers = [threading.Thread(target=_watch, args=(context.statusTracker(), tasks, ended), daemon=True)]
    if patience is not None:
        guard = threading.Thread(target=_guard, args=(context, patience, ended, deserted), daemon=True)
        watchers.append(guard)
    for watcher in watchers:
        watcher.start()
    try:
        yield
    except EngineError as error:
        raise (_no_executors(patience) if deserted.is_set() else error) from error.__cause__
    finally:
        ended.set()
        for watcher in watchers:
            watcher.join()


def _no_executors(patience: float | None) -> EngineError:
    return EngineError(
        f"Spark had no executors for {patience:.0f} s: the workers of all hosts have ended or never came up.",
        "See the logs of the hosts; this is mostly for want of memory.",
    )


def _guard(context: Any, patience: float, ended: threading.Event, deserted: threading.Event) -> None:
    """Cancel what is running for as long as there has been no executor for so long."""
    seen = time.monotonic()
    while not ended.wait(POLL_SECONDS):
        with suppress(Exception):  # Spark is being stopped
            if context._jsc.sc().getExecutorMemoryStatus().size() > 1:  # noqa: SLF001 (the driver is one of them)
                seen = time.monotonic()
            elif time.monotonic() - seen > patience:
                deserted.set()
                context.cancelAllJobs()  # again and again: it may not have been submitted yet


def _watch(tracker: Any, tasks: int, ended: threading.Event) -> None:
    progress = Progress(tasks)
    while not ended.wait(POLL_SECONDS):
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info is not None and info.numTasks == tasks:
                progress.reach(info.numCompletedTasks)


# --- other work -------------------------------------------------------------------------------------------------------


def map_on_spark(
    session: SparkSession, work: Callable[[T], R], items: Sequence[T], patience: float | None = None
) -> list[R]:
    """Do the work for each item in tasks, which get their own items alone, and return what it gave, in order.

    Raises EngineError where Spark fails; what is wrong with an item, `work` has to return.
    """

    def do(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number, item in zip(batch.column("id").to_pylist(), batch.column("item").to_pylist(), strict=True):
                done = pickle.dumps(work(pickle.loads(item)), 5)  # noqa: S301 (our own bytes)
                yield pa.record_batch({"id": pa.array([number], pa.int64()), "done": pa.array([done], pa.binary())})

    content = pa.table({"id": range(len(items)), "item": [pickle.dumps(item, 5) for item in items]})
    tasks = min(len(items), TASKS_PER_CORE * _parallelism(session))
    frame = session.createDataFrame(content).repartition(tasks)
    with interpreted(session), watched(session, tasks, patience):
        rows = run_on_spark(lambda: frame.mapInArrow(do, "id long, done binary").collect())
    rows.sort(key=lambda row: row["id"])
    return [pickle.loads(bytes(row["done"])) for row in rows]  # noqa: S301 (our own bytes)


# --- sources that only Spark reads ------------------------------------------------------------------------------------


def open_source(session: SparkSession, source: SparkFormat, path: str) -> DataFrame:
    """Open a table, or files in a format of Spark's.

    Raises InputError where Spark cannot.
    """
    try:
        if source.table:
            return session.table(source.table)
        return session.read.format(str(source.format)).options(**dict(source.options)).load(path)
    except Exception as error:
        name = source.table or f"{source.format} at {path}"
        raise InputError(
            without_credentials(f"Spark cannot open {name}: {str(error).splitlines()[0][:300]}"),
            "Check dataset_format, dataset_source and that the connector is on Spark's class path.",
        ) from error


def fold_frame(session: SparkSession, frame: DataFrame, name: str, task: Task) -> list[Folded]:
    """Fold a data frame, a task each of Spark's partitions, whose numbers give the order."""
    from analyzer.readers.parquet_files import tabular, with_blanks

    blank = [column for column in frame.columns if column in task.reading.excluded]
    names = [column for column in frame.columns if column not in task.reading.excluded]

    def rows_of(batch: pa.RecordBatch, where: str) -> pa.RecordBatch:
        return with_blanks(tabular(batch.rename_columns(names), where), blank)

    def fold(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        number = _partition_number()
        where = f"{name}, partition {number}"
        folded = Folded(number, number, task.new_state(), [])
        try:
            rows = _placed(batches, where, rows_of)
            fold_batches(_picked(rows, task, where), task, folded.state)
        except AnalyzerError as error:
            folded.error = error
        folded.state.tail = (where, folded.state.rows)
        folded.state.files = int(folded.state.rows > 0)
        yield _row(number, number // GROUP, folded)

    # PySpark reads dots and backticks in names as syntax, so columns travel under their numbers.
    numbered = frame.toDF(*(str(i) for i in range(len(frame.columns))))
    kept = numbered.select([str(i) for i, column in enumerate(frame.columns) if column not in task.reading.excluded])
    # Merging on the cluster is right for any number of Spark's partitions, which only Spark knows.
    return _collect(session, _merged(kept.mapInArrow(fold, FOLDED)), 0)


def _partition_number() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return int(context.partitionId()) if context else 0


def _picked(rows: Iterator[Batch], task: Task, where: str) -> Iterator[Batch]:
    """Leave the columns that model quality looks at, where it is that which is measured."""
    from analyzer.readers.prediction_columns import pick_columns

    roles = task.reading.roles
    return rows if roles is None else pick_columns(rows, roles, lambda record: f"row {record} of {where}")


def _placed(batches: Iterable[pa.RecordBatch], where: str, rows_of: Callable[..., pa.RecordBatch]) -> Iterator[Batch]:
    record = 1
    for batch in batches:
        yield Batch(rows_of(batch, where), [Run(0, where, record)])
        record += batch.num_rows
