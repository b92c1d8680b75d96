"""S3: where it is, with which credentials, and whether the places that the job names can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from analyzer.config import JobConfig
from analyzer.diagnosis import Finding
from analyzer.stores import scheme_of, store_of
from analyzer.stores.store import StoreError, cure_of, reason_of

CHECK: Final = "S3"
READ: Final = (
    "baseline_constraints",
    "baseline_statistics",
    "record_preprocessor_script",
    "post_analytics_processor_script",
)
"""Places of single files; folders are looked at with all other mounts."""


def examine_s3(config: JobConfig) -> Iterator[Finding]:
    """Say how S3 is reached, where the job names a place on it, and try the files that it names."""
    folders = (config.dataset_source, config.output_path, config.ground_truth_source)
    files = {name: getattr(config, name) for name in READ}
    if not any(scheme_of(place or "") == "s3" for place in (*folders, *files.values())):
        yield Finding(CHECK, "skipped", "no place on S3 is named")
        return
    from analyzer.stores.s3 import describe_access

    try:
        yield Finding(CHECK, "ok", describe_access())
    except StoreError as error:
        yield Finding(CHECK, "failure", f"S3 cannot be reached: {reason_of(error)}.", error.cure)
        return
    for name, place in files.items():
        if scheme_of(place or "") == "s3":
            yield _tried(name, str(place))


def _tried(name: str, place: str) -> Finding:
    try:
        with store_of(place).open_file(place) as stream:
            stream.read(1)
    except OSError as error:
        text = f"{name}: {place} cannot be read: {reason_of(error)}."
        return Finding(CHECK, "failure", text, cure_of(error, "Correct the URI."))
    return Finding(CHECK, "ok", f"{name}: {place} can be read")
