"""Finding a value in JSON by its key, its index, or a JMESPath."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from analyzer.errors import ConfigError


def find_value(value: Any, path: str, told_by: str) -> Any:
    """Find a value by key, else by the index of an item or of an object's key, else by JMESPath; None if not there.

    Raises ConfigError, which begins with `told_by`, the variable of the path, for what is no JMESPath.
    """
    if isinstance(value, dict) and path in value:
        return value[path]
    if path.isdecimal():
        return at_index(value, int(path))
    return search(value, path, told_by)


def at_index(value: Any, index: int) -> Any:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return inner[index] if index < len(inner) else None


def search(value: Any, path: str, told_by: str) -> Any:
    """Find a value by JMESPath. Raises as `find_value`."""
    return _compiled(path, told_by).search(value)


@lru_cache
def _compiled(path: str, told_by: str) -> Any:
    try:
        return jmespath.compile(path.removeprefix("$."))
    except JMESPathError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"{told_by}: {path!r} is neither a key of the data nor a JMESPath: {reason}",
            'Name a key, or a path such as predictions[0].score; a key with odd characters stands in quotes: "a-b".',
        ) from error
