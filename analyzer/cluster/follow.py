"""The other hosts: they tell the leader what they have, do what it asks for, and end as it ends."""

from __future__ import annotations

import logging
import socket
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from analyzer.cluster.addresses import FIRST_PAUSE, LONGEST_PAUSE, own_address
from analyzer.cluster.channel import Channel, Gone, Message, mark
from analyzer.cluster.greet import addresses_of, introduce
from analyzer.cluster.list_inputs import list_here, served, sources_of
from analyzer.cluster.serve_files import FileServer
from analyzer.cluster.standalone import Standalone, usable_memory
from analyzer.config import JobConfig
from analyzer.errors import AnalyzerError, EngineError, Stopped
from analyzer.hosts import Hosts

log = logging.getLogger(__name__)
CONNECT_SECONDS = 5.0


def follow(config: JobConfig, hosts: Hosts) -> int:
    """Serve the leader until the run ends, and return the exit code that it ends with.

    Raises EngineError where the leader is not to be reached within ANALYZER_CLUSTER_TIMEOUT seconds, refuses this host,
    or is gone before it has said how the run ended.
    """
    with ExitStack() as stack:
        address = own_address(hosts, config.cluster_timeout)
        channel, key = _join(config, hosts, address)
        stack.callback(channel.close)
        follower = Follower(config, hosts, channel, key, stack)
        try:
            return follower.serve()
        except Gone as error:
            raise EngineError(
                f"The leader {hosts.leader} {error}, before it had said how the run ended.",
                "See the log of that host; nothing was written by this one.",
            ) from error
        except Stopped as error:
            with suppress(Gone):
                channel.send({"bye": str(error)})
            raise


def _join(config: JobConfig, hosts: Hosts, address: str) -> tuple[Channel, bytes]:
    """Call the leader until it answers, with longer and longer pauses: its name or port may come up after this host."""
    until, pause = time.monotonic() + config.cluster_timeout, FIRST_PAUSE
    while True:
        try:
            channel = _call(config, hosts, address)
            try:
                return channel, introduce(channel, hosts.current, hosts.leader, config.cluster_secret or "")
            except BaseException:
                channel.close()
                raise
        except (OSError, Gone) as error:
            if time.monotonic() + pause > until:
                raise _unreachable(config, hosts, error) from error
            log.debug("%s is not there yet: %s", hosts.leader, error)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _call(config: JobConfig, hosts: Hosts, address: str) -> Channel:
    found = sorted(addresses_of(hosts.leader))
    if not found:
        raise OSError("its name has no address")
    place = (found[0], config.cluster_port)
    return Channel(socket.create_connection(place, CONNECT_SECONDS, source_address=(address, 0)), leads=False)


def _unreachable(config: JobConfig, hosts: Hosts, error: Exception) -> EngineError:
    return EngineError(
        f"The leader {hosts.leader} was not reached on port {config.cluster_port} within {config.cluster_timeout} s: "
        f"{error}.",
        "See the log of that host, let hosts reach it on that port, or set ANALYZER_CLUSTER_TIMEOUT to more seconds.",
    )


class Follower:
    """What a host does that does not lead."""

    def __init__(self, config: JobConfig, hosts: Hosts, channel: Channel, key: bytes, stack: ExitStack) -> None:
        self._config = config
        self._hosts = hosts
        self._channel = channel
        self._key = key
        self._stack = stack
        self._files: dict[str, dict[str, int]] = {}

    def serve(self) -> int:
        """Do what the leader asks for until it says that the run has ended; return how.

        Raises Gone where it ends without a word.
        """
        self._channel.send(self._about())
        self._channel.begin_pulse()
        log.info("This host, %s, follows %s.", self._hosts.current, self._hosts.leader)
        while True:
            message = self._channel.next_message()
            if message.get("do") == "end":
                return self._end(message)
            if message.get("do") == "serve":
                self._serve_files()
            if message.get("do") == "work":
                self._work(str(message["master"]), int(message["memory"]))

    def _about(self) -> Message:
        objection = ""
        try:
            sources = sources_of(self._config).items()
            self._files = {variable: list_here(source, variable) for variable, source in sources}
        except AnalyzerError as error:
            objection = str(error)
        about: Message = {"cores": self._config.cores, "memory": usable_memory(), "files": self._files}
        return about | {"error": objection}

    def _serve_files(self) -> None:
        sources = sources_of(self._config)
        files: dict[str, tuple[Path, int]] = {}
        for variable, listing in self._files.items():
            files |= served(variable, sources[variable], listing)
        server = FileServer(self._channel.own_address, files, mark(self._key, b"files").hex())
        self._stack.callback(server.close)
        self._channel.send({"port": server.port})

    def _work(self, url: str, memory: int) -> None:
        scratch = self._stack.enter_context(
            tempfile.TemporaryDirectory(prefix="analyzer-worker-", ignore_cleanup_errors=True)
        )
        spark = Standalone(self._config, self._channel.own_address, self._key, Path(scratch))
        self._stack.callback(spark.stop)
        try:
            spark.start_worker(url, memory, self._tell_loss)
        except AnalyzerError as error:
            self._tell_loss(str(error))

    def _tell_loss(self, reason: str) -> None:
        log.warning("%s; what it was at is done by others.", reason)
        with suppress(Gone):
            self._channel.send({"news": reason})

    def _end(self, message: Message) -> int:
        code = int(message["exit_code"])
        log.log(logging.ERROR if code else logging.INFO, "The run ended on %s: %s", self._hosts.leader, message["text"])
        return code
