"""The service: a scikit-learn model behind FastAPI, whose traffic is captured.

`/invocations` takes rows of CSV and answers with a probability for each. `/shadow/invocations` is the same without
being captured: for jobs that ask the model questions of their own, which must not count as traffic.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import joblib
import pandas as pd
from fastapi import FastAPI, Request, Response

from analyzer.capture import Capture, CaptureMiddleware

PLACE = Path(os.environ["SERVICE_FOLDER"])
model, columns = joblib.load(PLACE / "model.joblib")
capture = Capture(PLACE / "captures", endpoint="patients", file_seconds=1)
app = FastAPI()
app.add_middleware(CaptureMiddleware, capture=capture, paths=["/invocations"])


@app.get("/ping")
def ping() -> Response:
    """Say that the model is loaded."""
    return Response()


@app.post("/invocations")
@app.post("/shadow/invocations")
async def invocations(request: Request) -> Response:
    """Answer each row with the probability of the positive label."""
    rows = pd.read_csv(io.BytesIO(await request.body()), names=columns, dtype=str, keep_default_na=False)
    return Response("".join(f"{score:.6f}\n" for score in model.predict_proba(rows)[:, 1]), media_type="text/csv")
