"""How a state is written: arrays into its document, exactly, whatever the machine, and the document into a file."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class StateForm:
    """How a file of states is told from others: by the analysis that they are of, and the version of their layout.

    States of data quality name no `kind`. `name` and `run` are what the state, and a run that writes it, are called.
    """

    name: str
    run: str
    kind: str = ""
    version: int = 1

    def pack(self, document: Mapping[str, Any]) -> bytes:
        """Write a state's document, compressed, the same bytes for the same document."""
        kind = {"kind": self.kind} if self.kind else {}
        return gzip.compress(orjson.dumps({"version": self.version, **kind, **document}), compresslevel=1, mtime=0)

    def unpack(self, content: bytes, build: Callable[[dict[str, Any]], State], where: str) -> State:
        """Build a state of what `pack` wrote.

        Raises BaselineError, which names `where`, if there is nothing to build one of.
        """
        try:
            document = orjson.loads(gzip.decompress(content))
            self._expect(document)
            return build(document)
        except (OSError, EOFError, zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
            raise BaselineError(
                f"{where} is not a {self.name} of this version: {error}.",
                f"Expected a state.json.gz that a {self.run} of this analyzer wrote; run that job again to get one.",
            ) from error

    def _expect(self, document: Mapping[str, Any]) -> None:
        kind = document.get("kind", "")
        if kind != self.kind:
            found = kind or "DATA_QUALITY"
            raise ValueError(f"it is of kind {found}; set analysis_type to {found}")
        if document["version"] != self.version:
            raise ValueError(f"it has version {document['version']}, known is {self.version}")
