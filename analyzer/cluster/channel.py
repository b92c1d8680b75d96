"""A connection between two hosts for as long as a run lasts: messages that bear the run's mark, and a pulse.

A message is JSON behind its length and an HMAC of the direction, its number and its bytes under the key of the channel,
so that none can be forged, replayed or turned around. Before the hosts have greeted each other the key is empty.
"""

from __future__ import annotations

import hmac
import json
import socket
import struct
import threading
from contextlib import suppress
from typing import Any

PULSE_SECONDS = 5.0
SILENT_SECONDS = 30.0
"""A host that was not heard of for so long is taken for dead."""
LONGEST_GREETING = 64 * 1024
LONGEST_MESSAGE = 512 * 1024 * 1024
"""The list of some millions of files."""
BLOCK = 1024 * 1024
MARK_BYTES = 32
LENGTH = struct.Struct("!I")
NUMBER = struct.Struct("!?Q")
Message = dict[str, Any]


class Gone(Exception):  # noqa: N818 (often the way a run ends)
    """The other host closed the connection, fell silent, or sent what it cannot have sent."""


def mark(key: bytes, *parts: bytes) -> bytes:
    """Give the HMAC-SHA256 of some parts, each behind its length."""
    return hmac.digest(key, b"".join(LENGTH.pack(len(part)) + part for part in parts), "sha256")


class Channel:
    """One end of a connection; `leads` tells the two apart. Messages may be sent by several threads, read by one."""

    def __init__(self, connection: socket.socket, *, leads: bool) -> None:
        connection.settimeout(SILENT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._leads = leads
        self._key = b""
        self._sent = self._received = 0
        self._longest = LONGEST_GREETING
        self._sending = threading.Lock()
        self._closed = threading.Event()

    @property
    def own_address(self) -> str:
        return str(self._connection.getsockname()[0])

    @property
    def other_address(self) -> str:
        return str(self._connection.getpeername()[0])

    def trust(self, key: bytes) -> None:
        """Mark messages with a key from now on, and take longer ones."""
        self._key = key
        self._longest = LONGEST_MESSAGE

    def begin_pulse(self) -> None:
        """Send a sign of life every few seconds, until the channel is closed."""
        threading.Thread(target=self._pulse, name="pulse", daemon=True).start()

    def _pulse(self) -> None:
        while not self._closed.wait(PULSE_SECONDS):
            with suppress(Gone):
                self.send({})

    def send(self, message: Message) -> None:
        """Send a message.

        Raises Gone where the other host is.
        """
        content = json.dumps(message).encode("utf-8", "surrogatepass")
        with self._sending:
            marked = self._mark(self._leads, self._sent, content)
            self._sent += 1
            try:
                self._connection.sendall(LENGTH.pack(len(content)) + marked + content)
            except OSError as error:
                raise Gone(_reason(error)) from error

    def receive(self) -> Message:
        """Wait for the next message; a sign of life is an empty one.

        Raises Gone where the other host is, or where the message is not its own.
        """
        try:
            (length,) = LENGTH.unpack(self._read(LENGTH.size))
            if length > self._longest:
                raise Gone(f"sent a message of {length} bytes, which is not of this protocol")
            marked, content = self._read(MARK_BYTES), self._read(length)
        except OSError as error:
            raise Gone(_reason(error)) from error
        if not hmac.compare_digest(marked, self._mark(not self._leads, self._received, content)):
            raise Gone("sent a message that does not bear the mark of this run")
        self._received += 1
        return _parse(content)

    def next_message(self) -> Message:
        """Wait for the next message that is more than a sign of life."""
        while not (message := self.receive()):
            pass
        return message

    def _mark(self, of_leader: bool, number: int, content: bytes) -> bytes:
        return mark(self._key, NUMBER.pack(of_leader, number), content)

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._connection.recv(min(size, BLOCK))
            if not part:
                raise Gone("closed the connection")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        self._closed.set()
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


def _parse(content: bytes) -> Message:
    try:
        message = json.loads(content)
    except ValueError as error:
        raise Gone("sent a message that is no JSON") from error
    if not isinstance(message, dict):
        raise Gone("sent a message that is no object")
    return message


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return f"was not heard of for {SILENT_SECONDS:.0f} s"
    return f"broke the connection ({error.strerror or error})"
