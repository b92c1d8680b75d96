"""Variables and files of the job: what is missing, misspelt, or makes no sense."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from analyzer.config import SETTINGS, JobConfig, find_root, read_config
from analyzer.diagnosis import Finding
from analyzer.errors import ConfigError
from analyzer.hosts import resource_config
from analyzer.metrics import check_schedule
from analyzer.stores import read_whole

CHECK: Final = "environment"
KNOWN: Final = tuple(setting.variable for setting in SETTINGS)
REQUIRED: Final = tuple(setting.variable for setting in SETTINGS if setting.required)
ALIKE: Final = 0.85
MOST: Final = 20
"""Mistakes that are looked for one after the other."""


def read_all(environment: Mapping[str, str], flags: Mapping[str, str]) -> tuple[JobConfig | None, list[Finding]]:
    """Read the configuration; a variable that makes no sense is found and left out, and the rest is looked at."""
    findings: list[Finding] = []
    kept, told = dict(environment), dict(flags)
    for _ in range(MOST):
        try:
            return read_config(kept, told, read=read_whole), findings
        except ConfigError as error:
            findings.append(Finding(CHECK, "failure", error.message, error.hint))
            at_fault = error.message.split()[0].rstrip(",.:;")
            if at_fault in REQUIRED or not (at_fault in kept or at_fault in told):
                break
            kept.pop(at_fault, None)
            told.pop(at_fault, None)
    return None, findings


def examine_environment(
    environment: Mapping[str, str], flags: Mapping[str, str], config: JobConfig | None
) -> Iterator[Finding]:
    """Look at what stands around the variables that were read."""
    yield from _misspelt({**environment, **flags})
    root = find_root(environment, flags)
    yield from _unreadable(root / "config" / "processingjobconfig.json", "Its variables are not used.")
    yield from _unreadable(resource_config(root), "This host takes itself for the only one.")
    if config is not None:
        yield from examine_config(config)


def examine_config(config: JobConfig) -> Iterator[Finding]:
    """Look at settings that go well by themselves and not together."""
    try:
        check_schedule(config)
    except ConfigError as error:
        yield Finding(CHECK, "failure", error.message, "Set sagemaker_monitoring_schedule_name, or leave metrics out.")
    kind = "a merge of captures and labels" if config.merges else config.analysis_type
    text = f"{kind}, engine {config.engine}, {config.cores} cores, compatibility {config.compatibility}"
    yield Finding(CHECK, "ok", text)


def _misspelt(given: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(given):
        if name in KNOWN:
            continue
        close = difflib.get_close_matches(name.lower().replace("-", "_"), KNOWN, 1, ALIKE)
        if close and close[0] not in given:
            text = f"{name} is no variable of the analyzer, and {close[0]} is not set."
            yield Finding(CHECK, "warning", text, f"Is it meant to be {close[0]}?")


def _unreadable(path: Path, consequence: str) -> Iterator[Finding]:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        yield Finding(CHECK, "warning", f"{path} cannot be read: {error}.", f"{consequence} Mend or remove the file.")
        return
    if not isinstance(found, dict):
        yield Finding(CHECK, "warning", f"{path} holds no object.", f"{consequence} Mend or remove the file.")
