"""What a preprocessor script is handed for captured traffic: one record, as the public class listing describes it.

Every record of a job passes through here, so a record costs what its script touches: construction stores the raw dict
alone, and each part is built when it is first asked for (measured: 0.2 us a record, 0.4 us the first access to a part).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNBUILT: Final[Any] = ...  # stays itself through copy, deepcopy and pickle
_LATE: Final = ("encoding", "mode", "observedContentType")
"""Attributes of a payload that few scripts ask for."""


class EventMetadata:
    """`eventMetadata` of a record; what a record lacks is None."""

    __slots__ = ("custom_attribute", "event_id", "event_time", "inference_id")

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.event_id: str | None = metadata.get("eventId")
        self.event_time: str | None = metadata.get("inferenceTime")
        self.custom_attribute: list[str] | None = metadata.get("customAttributes")
        self.inference_id: str | None = metadata.get("inferenceId")

    def __repr__(self) -> str:
        return f"EventMetadata(event_id={self.event_id!r}, event_time={self.event_time!r})"


class EventData:
    """One payload of a record (a request, a response or a label); its attributes may be assigned."""

    __slots__ = ("_part", "data", "encoding", "mode", "observedContentType")
    data: Any
    encoding: str | None
    mode: str | None
    observedContentType: str | None  # noqa: N815 (the original's name)

    def __init__(self, part: Mapping[str, Any]) -> None:
        self._part = part
        self.data = part.get("data")

    def __getattr__(self, name: str) -> Any:
        """Reached for what was not asked for before; what the payload lacks is None."""
        if name not in _LATE:
            raise AttributeError(f"a payload has no {name!r}; it has data, {', '.join(_LATE)}")
        value = self._part.get(name)
        setattr(self, name, value)
        return value

    def as_dict(self) -> dict[str, Any]:
        """Write the payload as a capture file has it, `mode` left out."""
        written: dict[str, Any] = {"data": self.data}
        if self.encoding is not None:
            written["encoding"] = self.encoding
        if self.observedContentType is not None:
            written["observedContentType"] = self.observedContentType
        return written

    def __repr__(self) -> str:
        return f"EventData({self.as_dict()!r})"


class CapturedData:
    """One captured, batch or merged record; `event_dict` is the raw dict it was read from.

    The payloads `endpoint_input`, `endpoint_output`, `batch_transform_output` and `ground_truth` are None where the
    record lacks that part. Scripts may assign to them and to their `data`; `as_dict` shows the result.
    """

    __slots__ = ("_batch", "_input", "_label", "_metadata", "_output", "event_dict")

    def __init__(self, event_dict: dict[str, Any]) -> None:
        self.event_dict = event_dict
        self._input = self._output = self._batch = self._label = self._metadata = _UNBUILT

    @property
    def endpoint_input(self) -> EventData | None:
        part: EventData | None = self._input
        if part is _UNBUILT:
            part = self._input = _captured(self.event_dict, "endpointInput")
        return part

    @endpoint_input.setter
    def endpoint_input(self, part: EventData | None) -> None:
        self._input = part

    @property
    def endpoint_output(self) -> EventData | None:
        part: EventData | None = self._output
        if part is _UNBUILT:
            part = self._output = _captured(self.event_dict, "endpointOutput")
        return part

    @endpoint_output.setter
    def endpoint_output(self, part: EventData | None) -> None:
        self._output = part

    @property
    def batch_transform_output(self) -> EventData | None:
        part: EventData | None = self._batch
        if part is _UNBUILT:
            part = self._batch = _captured(self.event_dict, "batchTransformOutput")
        return part

    @batch_transform_output.setter
    def batch_transform_output(self, part: EventData | None) -> None:
        self._batch = part

    @property
    def ground_truth(self) -> EventData | None:
        part: EventData | None = self._label
        if part is _UNBUILT:
            raw = self.event_dict.get("groundTruthData")
            part = self._label = EventData(raw) if isinstance(raw, dict) else None
        return part

    @ground_truth.setter
    def ground_truth(self, part: EventData | None) -> None:
        self._label = part

    @property
    def event_metadata(self) -> EventMetadata:
        metadata: EventMetadata = self._metadata
        if metadata is _UNBUILT:
            raw = self.event_dict.get("eventMetadata")
            metadata = self._metadata = EventMetadata(raw if isinstance(raw, dict) else {})
        return metadata

    @property
    def event_version(self) -> str | None:
        return self.event_dict.get("eventVersion")

    def as_dict(self) -> dict[str, Any]:
        """Give the raw dict with every payload as it now is, assignments included, without `mode`.

        A new dict; `event_dict` stays as it was read.
        """
        written = dict(self.event_dict)
        _write_parts(written, {"groundTruthData": self.ground_truth})
        capture = written.get("captureData")
        captured = {
            "endpointInput": self.endpoint_input,
            "endpointOutput": self.endpoint_output,
            "batchTransformOutput": self.batch_transform_output,
        }
        if isinstance(capture, dict) or any(captured.values()):
            written["captureData"] = dict(capture or {})
            _write_parts(written["captureData"], captured)
        return written

    def __getattr__(self, name: str) -> Any:
        """Reached only for names that a record does not have: says what it has instead."""
        raise AttributeError(_unknown_attribute(name))

    def __str__(self) -> str:
        return str(self.as_dict())

    def __repr__(self) -> str:
        return f"CapturedData({self.event_dict!r})"


def _captured(record: Mapping[str, Any], key: str) -> EventData | None:
    try:
        part = record["captureData"][key]
    except (KeyError, TypeError):
        return None
    return EventData(part) if isinstance(part, dict) else None


def _write_parts(target: dict[str, Any], parts: Mapping[str, EventData | None]) -> None:
    for key, part in parts.items():
        if part is not None:
            target[key] = part.as_dict()
        else:
            target.pop(key, None)


def _unknown_attribute(name: str) -> str:
    if name == "event_data":  # written by samples older than the present record class
        return "a record has no 'event_data' any more: use endpoint_input or endpoint_output"
    return (
        f"a record has no {name!r}; it has event_metadata, endpoint_input, endpoint_output, "
        "batch_transform_output, ground_truth, event_version and event_dict"
    )
