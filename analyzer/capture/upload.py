"""Published files of a spool folder to S3, for as long as it takes."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from analyzer.capture.hour_files import lock, published_files

log = logging.getLogger(__name__)
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


@dataclass(eq=False)
class Uploader:
    """Uploads what shows below `spool` to the same keys below `destination` and removes it then.

    What cannot be uploaded stays and is tried again. Several processes may share a spool: a lock decides who uploads.
    """

    spool: Path
    destination: str

    def __post_init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._work = threading.Event()
        self._idle = threading.Condition()
        self._asked = self._answered = 0
        self._closing = self._ended = False

    def begin(self) -> None:
        """Start the thread, if it does not run."""
        with self._idle:
            self._closing = False
            if self._thread is None or self._ended:
                self._ended = False
                self._thread = threading.Thread(target=self._run, name="analyzer-capture-upload", daemon=True)
                self._thread.start()
        self.wake()

    def wake(self) -> None:
        """Say that there may be new files."""
        self._work.set()

    def drain(self, seconds: float) -> bool:
        """Wait until all files that show now are uploaded; False where that took too long or failed."""
        if self._thread is None:
            return True
        with self._idle:
            self._asked += 1
            wanted = self._asked
            self._work.set()
            self._idle.wait_for(lambda: self._answered >= wanted or self._ended, max(0.0, seconds))
            return self._answered >= wanted or (self._ended and not any(published_files(self.spool)))

    def close(self, seconds: float) -> bool:
        """Upload what is there, and end the thread."""
        done = self.drain(seconds)
        if not done:
            log.warning(
                "Captured files are left in %s: they could not be uploaded to %s.", self.spool, self.destination
            )
        self._closing = True
        self._work.set()
        return done

    def after_fork(self) -> None:
        self._reset()

    def _run(self) -> None:
        pause: float | None = None
        while self._goes_on():
            self._work.wait(pause)
            self._work.clear()
            asked = self._asked
            try:
                self._upload_all()
            except Exception as error:  # noqa: BLE001 (whatever it is, the files are still there)
                pause = FIRST_PAUSE if pause is None else min(LONGEST_PAUSE, 2 * pause)
                log.warning(
                    "Captured files could not be uploaded to %s: %s Next try in %g s.", self.destination, error, pause
                )
                time.sleep(min(pause, FIRST_PAUSE))
                continue
            pause = None
            with self._idle:
                self._answered = asked
                self._idle.notify_all()

    def _goes_on(self) -> bool:
        with self._idle:
            if self._closing:
                self._ended = True
                self._idle.notify_all()
            return not self._closing

    def _upload_all(self) -> None:
        for path in published_files(self.spool):
            with suppress(FileNotFoundError):  # another process was faster
                self._upload(path)

    def _upload(self, path: Path) -> None:
        from analyzer.stores import s3
        from analyzer.stores.s3_errors import named

        place = s3.place_of(self.destination).below(path.relative_to(self.spool).as_posix())
        with path.open("rb") as file:
            if not lock(file.fileno()) or os.fstat(file.fileno()).st_nlink == 0:
                return
            with named(place):
                s3.client().put_object(Bucket=place.bucket, Key=place.key, Body=file)
            path.unlink()
        for folder in list(path.relative_to(self.spool).parents)[:4]:
            with suppress(OSError):
                (self.spool / folder).rmdir()  # of an hour that has no more files
