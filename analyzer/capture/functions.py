"""The decorator: calls of a function as captured requests."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyzer.capture.values import answer_to, body_of
from analyzer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from analyzer.capture.capture import Capture
    from analyzer.capture.events import Body


@dataclass(frozen=True, slots=True)
class _Parameter:
    """Where a call has an argument: its name, and its position where it may be given by that."""

    name: str
    position: int | None
    default: Any

    def of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if self.name in kwargs:
            return kwargs[self.name]
        if self.position is not None and self.position < len(args):
            return args[self.position]
        return self.default


def capturing(
    capture: Capture,
    function: Callable[..., Any],
    *,
    argument: str | None,
    inference_id: str,
    input_type: str | None,
    output_type: str | None,
) -> Callable[..., Any]:
    """Wrap a function as `Capture.calls` says."""
    call = _Call(capture, *_parameters(function, argument, inference_id), input_type, output_type)
    return _later(call, function) if inspect.iscoroutinefunction(function) else _at_once(call, function)


def _at_once(call: _Call, function: Callable[..., Any]) -> Callable[..., Any]:
    capture = call.capture

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not capture.sampled():
            return function(*args, **kwargs)
        began = call.begin(args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException:
            capture.miss("unanswered")
            raise
        call.end(began, result)
        return result

    return wrapped


def _later(call: _Call, function: Callable[..., Any]) -> Callable[..., Any]:
    capture = call.capture

    @functools.wraps(function)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not capture.sampled():
            return await function(*args, **kwargs)
        began = call.begin(args, kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException:
            capture.miss("unanswered")
            raise
        call.end(began, result)
        return result

    return wrapped


_Begun = tuple["Body | None", "str | None"]


@dataclass(frozen=True, slots=True)
class _Call:
    """What is captured of a call: the input before it, as the function may change it, and the result after it."""

    capture: Capture
    input: _Parameter
    inference_id: _Parameter | None
    input_type: str | None
    output_type: str | None

    def begin(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> _Begun | None:
        try:
            value = self.input.of(args, kwargs)
            wanted = self.capture.inputs and value is not inspect.Parameter.empty
            told = None if self.inference_id is None else self.inference_id.of(args, kwargs)
            known = told is not None and told is not inspect.Parameter.empty
            return body_of(value, self.input_type) if wanted else None, str(told) if known else None
        except Exception as error:  # noqa: BLE001 (the call goes on, whatever it is)
            self.capture.fail(error)
            return None

    def end(self, began: _Begun | None, result: Any) -> None:
        if began is None:  # which is counted already
            return
        try:
            output = answer_to(began[0], result, self.output_type) if self.capture.outputs else None
            self.capture.submit(began[0], output, began[1])
        except Exception as error:  # noqa: BLE001 (the call has ended well)
            self.capture.fail(error)


def _parameters(
    function: Callable[..., Any], argument: str | None, inference_id: str
) -> tuple[_Parameter, _Parameter | None]:
    """Find the parameters with the input and the id, once for all calls."""
    name = getattr(function, "__qualname__", repr(function))
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigError(
            f"{name} is a generator, whose result is not known when it returns.",
            "Decorate a function that returns its result, or call Capture.record.",
        )
    found = {
        each.name: _Parameter(each.name, position if each.kind in _BY_POSITION else None, each.default)
        for position, each in enumerate(inspect.signature(function).parameters.values())
        if each.kind not in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    }
    chosen = argument or next((each for each in found if each not in {"self", "cls", inference_id}), None)
    if chosen is None or chosen not in found:
        raise ConfigError(
            f"{name} has no parameter {argument or 'with an input'}.", f"Name one of: {', '.join(found) or 'none'}."
        )
    return found[chosen], found.get(inference_id)


_BY_POSITION = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
