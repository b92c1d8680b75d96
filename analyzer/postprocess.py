"""The user's script after the reports are written: postprocess_handler(), called once, without arguments."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from analyzer.errors import ScriptError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)


def postprocess(script: Path) -> None:
    """Load the script and call its `postprocess_handler()`; what it prints goes to stdout, its return is ignored.

    Raises ScriptError when the file or the handler is missing, or when either raises: the user's traceback goes to
    the log, a short form into the message. `sys.exit()` and `sys.exit(0)` count as a normal end.
    """
    from analyzer.scripts import POSTPROCESS_HANDLER, load_handler

    logger.info("Invoking customer's post-processing script...")
    handler = load_handler(script, POSTPROCESS_HANDLER)
    try:
        _call(handler)
    except (Exception, SystemExit) as error:
        raise _failed(script, error) from error
    finally:
        sys.stdout.flush()


def _call(handler: Callable[[], Any]) -> None:
    try:
        handler()
    except SystemExit as end:
        if end.code not in (None, 0):  # a tuple: the code may be unhashable
            raise


def _failed(script: Path, error: BaseException) -> ScriptError:
    from analyzer.scripts import script_error

    short = script_error(script, error, variable="post_analytics_processor_script")
    return ScriptError(short.message, "The traceback is in the log. The reports were written before the script ran.")
