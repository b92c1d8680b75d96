"""Several hosts merge: each has a share of captures and labels, and the records are those of one that has all."""

from __future__ import annotations

import pytest
from labelled import capture, files, label, report, write_sides

from analyzer.config import read_config
from analyzer.engine.spark import has_java
from analyzer.merge import merge

CAPTURES = {
    f"churn/AllTraffic/2025/02/16/{hour:02}/{part}.jsonl": [
        capture(f"{hour}-{part}-{i}", f"id-{hour}-{part}-{i}", f"2025-02-16T{hour:02}:{i % 60:02}:00Z")
        for i in range(120)
    ]
    for hour in range(2)
    for part in range(3)
}
LABELS = {
    f"2025/02/17/{part:02}/labels.jsonl": [
        label(f"id-{hour}-{part}-{i}", str(i)) for hour in range(2) for i in range(0, 120, 2)
    ]
    for part in range(3)
}
SIDES = {
    "dataset_format": "",
    "dataset_source": "/opt/ml/captures",
    "ground_truth_source": "/opt/ml/labels",
    "output_path": "/opt/ml/merged",
}


def shares(hosts):
    """Give each host some files: the labels of a record lie on another host than the record."""
    for number, host in enumerate(hosts):
        write_sides(
            host.root,
            {name: each for i, (name, each) in enumerate(CAPTURES.items()) if i % 3 == number},
            {name: each for i, (name, each) in enumerate(LABELS.items()) if i % 3 == (number + 1) % 3},
        )


@pytest.fixture
def of_one(tmp_path):
    """The output of one host that has everything."""
    root = tmp_path / "one"
    captures, labels = write_sides(root, CAPTURES, LABELS)
    found = {"dataset_source": captures, "ground_truth_source": labels, "output_path": root / "merged"}
    merge(read_config({name: str(path) for name, path in found.items()} | {"ANALYZER_ROOT": str(root)}, merges=True))
    assert report(root / "merged")["captures"]["matched"] == 360
    return files(root / "merged")


def check(hosts, expected):
    assert [host.wait(120) for host in hosts] == [0, 0, 0], "\n".join(host.log for host in hosts)
    assert files(hosts[0].root / "merged") == expected
    for host in hosts[1:]:
        assert not (host.root / "merged").exists()
        assert "The run ended on 127.0.0.1" in host.log


def test_shares_of_both_sides_merge_as_the_whole(hosts, start, of_one):
    shares(hosts)
    start(**SIDES)
    check(hosts, of_one)


@pytest.mark.spark
@pytest.mark.skipif(not has_java(), reason="there is no Java")
def test_on_spark_all_hosts_merge_as_one(hosts, start, of_one):
    shares(hosts)
    start(**SIDES, ANALYZER_ENGINE="spark", ANALYZER_CLUSTER_TIMEOUT="100")
    check(hosts, of_one)
    assert "buckets on spark" in hosts[0].log


def test_a_label_that_is_none_is_named_whoever_has_it(hosts, start):
    shares(hosts)
    (hosts[2].root / "labels" / "2025/02/17/00/labels.jsonl").write_text('{"no": "label"}\n')
    start(**SIDES)
    assert [host.wait() for host in hosts] == [255] * 3, "\n".join(host.log for host in hosts)
    assert "line 1 is no label" in hosts[0].message
    assert not (hosts[0].root / "merged" / "merge_report.json").exists()


def test_two_labels_files_of_one_name_are_named_by_their_variable(hosts, start):
    shares(hosts)
    write_sides(hosts[0].root, {}, {"2025/02/17/00/labels.jsonl": [label("other")]})
    start(**SIDES)
    assert hosts[0].wait() == 255
    assert "ground_truth_source: " in hosts[0].message
    assert "127.0.0.1" in hosts[0].message
