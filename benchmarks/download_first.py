"""A command behind a download: `python download_first.py BUCKET PREFIX FOLDER COMMAND...` fetches what it reads.

What SageMaker's `File` mode does, and what one writes oneself: boto3's own transfers, ten connections a file. Prints
`phase download took SECONDS`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import boto3


def main(bucket: str, prefix: str, folder: str, *command: str) -> None:
    started = time.perf_counter()
    client = boto3.client("s3")
    for each in client.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        client.download_file(bucket, each["Key"], str(Path(folder) / Path(each["Key"]).name))
    print(f"phase download took {time.perf_counter() - started:.3f}", flush=True)
    sys.exit(subprocess.call(command))


if __name__ == "__main__":
    main(*sys.argv[1:])
