"""How a state is written: arrays into its document, exactly, whatever the machine, and the document into a file."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import orjson
from numpy.typing import DTypeLike, NDArray

from analyzer.errors import BaselineError

State = TypeVar("State")


def pack(values: NDArray[Any]) -> str:
    """Write an array as base64 of its little-endian bytes."""
    return b64encode(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()).decode()


def unpack(text: str, dtype: DTypeLike) -> NDArray[Any]:
    """Read what `pack` wrote; the array is the caller's own and may be changed."""
    return np.frombuffer(b64decode(text), dtype=np.dtype(dtype).newbyteorder("<")).astype(dtype)


def pack_state(document: Mapping[str, Any]) -> bytes:
    """Write a state's document, compressed, the same bytes for the same document."""
    return gzip.compress(orjson.dumps(document), compresslevel=1, mtime=0)


def unpack_state(content: bytes, build: Callable[[dict[str, Any]], State], wrong: str, cure: str) -> State:
    """Build a state of what `pack_state` wrote.

    Raises BaselineError, which begins with `wrong`, where there is nothing to build one of.
    """
    try:
        return build(orjson.loads(gzip.decompress(content)))
    except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BaselineError(f"{wrong}: {error}.", cure) from error
