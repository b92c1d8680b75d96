"""How arrays of a state are written into its JSON document: exactly, whatever the machine."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def pack(values: NDArray[Any]) -> str:
    """Write an array as base64 of its little-endian bytes."""
    return b64encode(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()).decode()


def unpack(text: str, dtype: DTypeLike) -> NDArray[Any]:
    """Read what `pack` wrote; the array is the caller's own and may be changed."""
    return np.frombuffer(b64decode(text), dtype=np.dtype(dtype).newbyteorder("<")).astype(dtype)
