"""Several hosts without Spark: who leads, what is read where, and what happens when one is missing or wrong."""

from __future__ import annotations

import gzip
import io
import json
import signal
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analyses import SIMPLE, run_analysis, write_table
from analyses import table as bias_table
from labelled import files
from loopback_hosts import NAMES, REPORTS

from analyzer.engine.spark import has_java

SHARDS = {
    "a.csv": "n,s\n" + "".join(f"{i},x{i % 7}\n" for i in range(500)),
    "b/c.csv": "n,s\n" + "".join(f"{i / 7},y\n" for i in range(300)),
    "b.csv.gz": gzip.compress(("n,s\n" + "".join(f"{i},z\n" for i in range(200))).encode()),
    "naïve 100%?#.csv": "n,s\n1,last\n",
}


def shard(hosts, files=None):
    for i, (name, content) in enumerate((files or SHARDS).items()):
        hosts[i % 3].put(name, content)


def test_the_first_writes_and_all_end_well(hosts, start, alone):
    shard(hosts)
    expected = alone(hosts[0], SHARDS)
    start()
    codes = [host.wait() for host in hosts]
    assert codes == [0, 0, 0], "\n".join(host.log for host in hosts)
    assert hosts[0].message == "Completed: Job completed successfully with no violations."
    assert set(expected) == set(REPORTS)
    assert hosts[0].reports == expected
    for host in hosts[1:]:
        assert host.message is None
        assert not (host.root / "processing" / "output").exists()
        assert "The run ended on 127.0.0.1: Completed" in host.log


def test_parquet_is_fetched_in_ranges(hosts, start, alone):
    def parquet(seed):
        sink = io.BytesIO()
        pq.write_table(pa.table({"n": [i * seed for i in range(3000)], "s": ["a"] * 3000}), sink, row_group_size=500)
        return sink.getvalue()

    files = {"a.parquet": parquet(1), "b.parquet": parquet(2), "c.parquet": parquet(3)}
    shard(hosts, files)
    expected = alone(hosts[0], files, dataset_format='{"parquet":{}}')
    start(dataset_format='{"parquet":{}}', ANALYZER_CORES="2")
    assert [host.wait() for host in hosts] == [0, 0, 0], hosts[0].log
    assert hosts[0].reports == expected


def test_predictions_of_all_hosts_are_judged_as_the_whole(hosts, start, alone):
    files = {
        f"{part}.csv": "label,score\n"
        + "".join(f"{(i * part) % 3 % 2},{(i * 37 + part) % 100 / 100}\n" for i in range(300))
        for part in range(1, 4)
    }
    quality = {
        "analysis_type": "MODEL_QUALITY",
        "problem_type": "BinaryClassification",
        "ground_truth_attribute": "label",
        "probability_attribute": "score",
    }
    shard(hosts, files)
    expected = alone(hosts[0], files, **quality)
    start(**quality)
    assert [host.wait() for host in hosts] == [0, 0, 0], hosts[0].log
    timed = "statistics.json"
    assert {**hosts[0].reports, timed: b""} == {**expected, timed: b""}
    found, whole = (json.loads(each[timed])["binary_classification_metrics"] for each in (hosts[0].reports, expected))
    assert found["auc"] == whole["auc"]
    assert found["confusion_matrix"] == whole["confusion_matrix"]


ON_SPARK = [pytest.mark.spark, pytest.mark.skipif(not has_java(), reason="there is no Java")]


@pytest.mark.parametrize("engine", ["local", pytest.param("spark", marks=ON_SPARK)])
def test_bias_and_attributions_of_all_hosts_are_those_of_the_whole(hosts, start, tmp_path, engine):
    rows = bias_table(400)
    parts = {f"{i}.csv": rows[i::4] for i in range(4)}
    model = "def predict(frame):\n    return 1 / (1 + 2.7 ** -(frame['x'] / 9 + frame['g'] - frame['f']))\n"
    asked = SIMPLE | {
        "methods": {
            "pre_training_bias": {"methods": "all"},
            "post_training_bias": {"methods": "all"},
            "shap": {"seed": 3},
        },
        "predictor": {"handler": "model.py"},
    }
    one = tmp_path / "one"
    for root in (one, *(host.root for host in hosts)):
        (root / "processing" / "input" / "config").mkdir(parents=True, exist_ok=True)
        (root / "processing" / "input" / "config" / "model.py").write_text(model)
    for i, (name, some) in enumerate(parts.items()):
        write_table(one, some, name=Path(name).stem)
        write_table(hosts[i % 3].root, some, name=Path(name).stem)
    expected = files(run_analysis(one, asked))
    for host in hosts:
        host.put("config/analysis_config.json", json.dumps(asked))
    given = {"dataset_format": "", "dataset_source": "", "output_path": ""}
    start(**given, ANALYZER_ENGINE=engine, ANALYZER_CLUSTER_TIMEOUT="100")
    assert [host.wait(120) for host in hosts] == [0, 0, 0], hosts[0].log
    assert f"partitions on {engine}" in hosts[0].log
    found = files(hosts[0].root / "processing" / "output")
    assert found["analysis.json"] == expected["analysis.json"]
    assert {"pre_training_bias_metrics", "explanations"} < set(json.loads(found["analysis.json"]))


def test_files_that_all_have_are_counted_once(hosts, start, alone):
    for host in hosts:
        host.put("a.csv", SHARDS["a.csv"])
    expected = alone(hosts[0], {"a.csv": SHARDS["a.csv"]})
    start()
    assert [host.wait() for host in hosts] == [0, 0, 0]
    assert hosts[0].reports == expected
    assert "0 of them not on all" in hosts[0].log


def test_one_path_with_two_contents_names_both_hosts(hosts, start):
    hosts[1].put("a.csv", "n\n1\n")
    hosts[2].put("a.csv", "n\n1\n2\n")
    start()
    assert [host.wait() for host in hosts] == [255, 255, 255]
    assert "a.csv has 4 bytes on 127.0.0.2, but 6 on 127.0.0.3." in hosts[0].message
    assert hosts[0].message.startswith("Error: ")


def test_a_failure_of_the_leader_is_that_of_all(hosts, start):
    shard(hosts, {"a.csv": "n\n1\n", "b.csv": "n\n1,2\n"})
    start()
    assert [host.wait() for host in hosts] == [255, 255, 255]
    assert "b.csv, line 2 has 2 fields" in hosts[0].message
    assert "b.csv, line 2 has 2 fields" in hosts[2].log
    assert hosts[2].message is None


def test_nothing_anywhere_is_said_as_on_one_host(hosts, start):
    start()
    assert [host.wait() for host in hosts] == [255, 255, 255]
    assert "holds no data" in hosts[0].message


def test_a_host_that_never_arrives_is_named(hosts, start):
    shard(hosts)
    began = time.monotonic()
    start(hosts[:2], ANALYZER_CLUSTER_TIMEOUT="3")
    assert [host.wait() for host in hosts[:2]] == [255, 255]
    assert time.monotonic() - began < 20
    assert "Of 3 hosts in resourceconfig.json, 127.0.0.3 did not arrive within 3 s." in hosts[0].message
    assert "ANALYZER_CLUSTER_TIMEOUT" in hosts[0].message
    assert "127.0.0.3 did not arrive" in hosts[1].log
    assert hosts[1].message is None


def test_a_host_without_an_address_is_named(hosts, start):
    start(hosts[:2], (*NAMES[:2], "no-such-host.invalid"), ANALYZER_CLUSTER_TIMEOUT="2")
    assert [host.wait() for host in hosts[:2]] == [255, 255]
    assert "no address is known for no-such-host.invalid" in hosts[0].message


def test_a_leader_that_never_arrives_is_named(hosts, start):
    start(hosts[1:2], ANALYZER_CLUSTER_TIMEOUT="2")
    assert hosts[1].wait() == 255
    assert "The leader 127.0.0.1 was not reached on port" in hosts[1].log
    assert "within 2 s" in hosts[1].log
    assert hosts[1].message is None


def test_a_leader_that_is_killed_ends_the_others(hosts, start):
    start(hosts[:2])  # the third never comes, so the leader waits
    hosts[0].says("127.0.0.2 has arrived")
    hosts[0].process.kill()
    assert hosts[1].wait(10) == 255
    assert "The leader 127.0.0.1 " in hosts[1].log
    assert "before it had said how the run ended" in hosts[1].log
    assert hosts[1].message is None
    assert hosts[0].message is None


def test_a_leader_that_is_stopped_tells_the_others(hosts, start):
    start(hosts[:2])
    hosts[0].says("127.0.0.2 has arrived")
    hosts[0].process.send_signal(signal.SIGTERM)
    assert hosts[0].wait(8) == 143
    assert hosts[1].wait(10) == 143
    assert "stopped by SIGTERM" in hosts[0].message
    assert "stopped by SIGTERM" in hosts[1].log


def test_a_host_that_leaves_before_the_work_is_named(hosts, start):
    start(hosts[:2])
    hosts[0].says("127.0.0.2 has arrived")
    hosts[1].process.send_signal(signal.SIGTERM)
    assert hosts[1].wait(10) == 143
    hosts[0].says("Host 127.0.0.2 was stopped")


@pytest.mark.parametrize("secrets", [("right", "wrong"), ("right", ""), ("", "right")])
def test_another_secret_is_refused_on_both_sides(hosts, start, secrets):
    for host, secret in zip(hosts, secrets, strict=False):
        start([host], NAMES[:2], ANALYZER_CLUSTER_SECRET=secret, ANALYZER_CLUSTER_TIMEOUT="10")
    assert [host.wait() for host in hosts[:2]] == [255, 255]
    assert "ANALYZER_CLUSTER_SECRET" in hosts[0].message
    assert "Give all hosts the same ANALYZER_CLUSTER_SECRET" in hosts[1].log


def test_a_common_secret_is_never_shown(hosts, start):
    shard(hosts)
    start(ANALYZER_CLUSTER_SECRET="4711-horse")
    assert [host.wait() for host in hosts] == [0, 0, 0]
    assert all("horse" not in host.log for host in hosts)
