"""Captures the traffic of models that are served anywhere, in the format that monitoring jobs read.

It runs inside web servers: no request waits for it or fails by it, and nothing heavy is loaded.
"""

from __future__ import annotations

from analyzer.capture.capture import Capture
from analyzer.capture.events import Body, Counts
from analyzer.capture.labels import write_labels
from analyzer.capture.middleware import CaptureMiddleware

__all__ = ["Body", "Capture", "CaptureMiddleware", "Counts", "write_labels"]
