"""S3: where it is, with which credentials, and whether the places that the job names can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from analyzer.config import JobConfig
from analyzer.diagnosis import Finding
from analyzer.examinations.places import try_file
from analyzer.stores import scheme_of
from analyzer.stores.store import StoreError, reason_of

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
            yield replace(try_file(name, str(place), "failure"), check=CHECK)
