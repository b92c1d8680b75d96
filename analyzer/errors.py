"""Everything that can go wrong with a job, as one tree; only the entry point catches it.

Explained
├── AnalyzerError
│   ├── ConfigError        a variable, a flag or dataset_format
│   ├── InputError         a source, a file, a line or a column of the data
│   ├── BaselineError      baseline_constraints or baseline_statistics
│   ├── ScriptError        the user's preprocess or postprocess script
│   ├── ModelError         the user's model: its script or its endpoint
│   ├── PluginError        what an installed package adds
│   ├── OutputError        a folder or file that cannot be written
│   └── EngineError        Spark, Java or a worker process
└── Stopped                the job was told to end (SIGTERM, SIGINT)
"""

from __future__ import annotations

from typing import ClassVar

FAILED = 255


class Explained(BaseException):
    """Whatever ends a job and can be foreseen: what was found, and the cure.

    `message` names the file, line, column or variable and what was found; `hint` says what to do about it.
    """

    exit_code = FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class AnalyzerError(Explained, Exception):
    """Base of all expected failures."""


class ConfigError(AnalyzerError):
    """A variable, flag or setting that is missing or makes no sense."""


class InputError(AnalyzerError):
    """Data that is missing, unreadable, corrupt or not of the declared format."""


class BaselineError(AnalyzerError):
    """A baseline file that is missing, unreadable or does not fit."""


class ScriptError(AnalyzerError):
    """A user's script that does not load, lacks its handler, raises or returns nonsense."""


class ModelError(AnalyzerError):
    """A model that cannot be reached or loaded, raises, or answers with what are no scores."""


class PluginError(AnalyzerError):
    """A check or reader of an installed package that does not load, fails or returns nonsense."""


class OutputError(AnalyzerError):
    """A folder or file that cannot be written."""


class EngineError(AnalyzerError):
    """Spark, Java or a worker process failed for a reason outside the data."""


class Stopped(Explained, KeyboardInterrupt):
    """The job was told to end before it had finished.

    Code that takes every Exception for its own affair, as py4j, botocore and many a script do, lets it pass. `told` is
    the stop that this process was told, if any.
    """

    exit_code = 143
    told: ClassVar[Stopped | None] = None
