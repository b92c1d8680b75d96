"""Runs a planned job as the service would: mounts from S3, variables, a process of ours, uploads to S3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3

from analyzer.plan_jobs import Input, Job
from analyzer.stores.s3 import place_of

ROOT = Path(__file__).resolve().parents[1]
OPT_ML = "/opt/ml"


def run_job(job: Job, root: Path) -> tuple[int, str, str]:
    """Run a job below `root`, which stands for /opt/ml; gives exit code, exit message and log."""
    for each in job.inputs:
        mount(each, root)
    for each in job.outputs:
        below(root, each.path).mkdir(parents=True, exist_ok=True)
    # Nothing of this process but what every process needs: a container knows no more than its variables.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"PYTHONPATH": str(ROOT), "ANALYZER_ROOT": str(root), "ANALYZER_ENGINE": "local", "ANALYZER_CORES": "1"}
    command = [sys.executable, "-m", "analyzer", *job.arguments]
    done = subprocess.run(
        command, env={**kept, **own, **job.environment}, capture_output=True, text=True, timeout=180, check=False
    )
    if done.returncode == 0:
        for each in job.outputs:
            upload(below(root, each.path), each.destination)
    message = root / "output" / "message"
    return done.returncode, message.read_text() if message.exists() else "", done.stderr


def below(root: Path, path: str) -> Path:
    assert path.startswith(f"{OPT_ML}/"), path
    return root / path.removeprefix(f"{OPT_ML}/")


def mount(each: Input, root: Path) -> None:
    """Download what an input names: the one object, all that begin so, or what manifests name."""
    folder = below(root, each.path)
    folder.mkdir(parents=True, exist_ok=True)
    found = objects(each.source)
    assert found, f"No S3 objects found under S3 URL {each.source!r}"
    if each.data_type == "ManifestFile":
        manifests = [json.loads(body) for body in found.values()]
        uris = [first["prefix"] + name for first, *names in manifests for name in names]
        found = {uri.rpartition("/")[2]: body for uri in uris for body in objects(uri).values()}
    for name, body in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def objects(uri: str) -> dict[str, bytes]:
    """Fetch the object of a URI under its own name, or those below it under what follows."""
    place = place_of(uri)
    bucket: Any = boto3.resource("s3").Bucket(place.bucket)
    found = {each.key: each for each in bucket.objects.filter(Prefix=place.key)}
    if place.key in found:
        return {place.key.rpartition("/")[2]: found[place.key].get()["Body"].read()}
    return {key.removeprefix(place.folder): each.get()["Body"].read() for key, each in found.items()}


def upload(folder: Path, destination: str) -> None:
    place = place_of(destination)
    bucket: Any = boto3.resource("s3").Bucket(place.bucket)
    for path in folder.rglob("*"):
        if path.is_file():
            bucket.upload_file(str(path), place.below(path.relative_to(folder).as_posix()).key)
