"""A process with Deequ on Spark, which is asked line by line, in JSON, to run jobs and analyzers.

It runs beside the tests because Deequ may exist for another PySpark than theirs only.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from analyzer.config import read_config
from analyzer.engine.spark import spark_session
from analyzer.errors import AnalyzerError
from analyzer.job import run

COUNTED = ("Unknown", "Fractional", "Integral", "Boolean", "String")


def run_job(session: Any, variables: dict[str, str]) -> Any:
    try:
        return {"violations": run(read_config(variables))}
    except AnalyzerError as error:
        return {"error": type(error).__name__, "message": error.message, "hint": error.hint}


def measure(session: Any, rows: list[list[str | None]], kinds: list[str]) -> Any:
    """Deequ's own metrics of columns of texts, which become numbers by Spark's cast where their kind says so."""
    from pyspark.sql.functions import col

    schema = ", ".join(f"t{i} string" for i in range(len(kinds)))
    frame = session.createDataFrame([tuple(row) for row in rows], schema).coalesce(1)
    for i, kind in enumerate(kinds):
        if kind != "string":
            frame = frame.withColumn(f"n{i}", col(f"t{i}").cast(kind))
    wanted = {(i, name): analyzer for i, kind in enumerate(kinds) for name, analyzer in analyzers(session, i, kind)}
    jvm = session._jvm
    builder = jvm.com.amazon.deequ.analyzers.runners.AnalysisRunner.onData(frame.persist()._jdf)
    for analyzer in wanted.values():
        builder.addAnalyzer(analyzer)
    context = builder.run()
    answers: list[dict[str, Any]] = [{} for _ in kinds]
    for (i, name), analyzer in wanted.items():
        answers[i][name] = plain(name, context.metric(analyzer).get().value().get())
    return answers


def analyzers(session: Any, i: int, kind: str) -> list[tuple[str, Any]]:
    from pydeequ import analyzers as deequ

    found = [("completeness", deequ.Completeness(f"t{i}")), ("types", deequ.DataType(f"t{i}")),
             ("distinct", deequ.ApproxCountDistinct(f"t{i}"))]  # fmt: skip
    if kind != "string":
        found += [(each.__name__.lower(), each(f"n{i}")) for each in (deequ.Minimum, deequ.Maximum, deequ.Mean)]
        found += [(each.__name__.lower(), each(f"n{i}")) for each in (deequ.Sum, deequ.StandardDeviation)]
        found += [("kll", deequ.KLLSketch(f"n{i}", deequ.KLLParameters(session, 2048, 0.64, 10)))]
    return [(name, analyzer._set_jvm(session._jvm)._analyzer_jvm) for name, analyzer in found]


def plain(name: str, value: Any) -> Any:
    if name == "types":
        return {kind: value.apply(kind).absolute() for kind in COUNTED if value.values().contains(kind)}
    if name == "kll":
        buckets = [value.buckets().apply(i) for i in range(value.buckets().size())]
        return {
            "buckets": [[each.lowValue(), each.highValue(), each.count()] for each in buckets],
            "data": [[float(item) for item in level] for level in value.data()],
        }
    return value


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints must not get between the answers
    names = {"dataset_format": '{"csv":{}}', "dataset_source": "/nowhere", "output_path": "/nowhere"}
    settings = {name: value for name, value in os.environ.items() if name.startswith("ANALYZER_")}
    with spark_session(read_config({**names, **settings, "ANALYZER_SUGGEST_RULES": "true"})) as session:
        for line in sys.stdin:
            what, arguments = json.loads(line)
            print(json.dumps({"job": run_job, "measure": measure}[what](session, *arguments)), file=answers, flush=True)


if __name__ == "__main__":
    main()
