"""The first host: it waits for the others, knows what they have, and tells them how the run ended."""

from __future__ import annotations

import logging
import queue
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from analyzer.cluster.addresses import own_address
from analyzer.cluster.channel import Channel, Gone, Message, mark
from analyzer.cluster.greet import SAME_IMAGE, SAME_SECRET, Lock, Refused, addresses_of, admit
from analyzer.cluster.list_inputs import Listing, held_by_some, list_here, served, sources_of, unite
from analyzer.cluster.serve_files import FileServer
from analyzer.cluster.standalone import Standalone, usable_memory
from analyzer.config import JobConfig
from analyzer.engine.spark import Deployment
from analyzer.errors import EngineError, InputError, Stopped
from analyzer.hosts import Hosts
from analyzer.read import list_files
from analyzer.stores.peers import Held, Peers, reach_peers
from analyzer.stores.store import File

log = logging.getLogger(__name__)
ANSWER_SECONDS = 60.0
FAREWELL_SECONDS = 3.0
LATE_SECONDS = 20.0
"""How long a run that failed early stays to tell so to hosts that come later."""
SETTLE_SECONDS = 0.2
SEE_LOG = "See the log of that host."


@dataclass(slots=True)
class Member:
    """Another host of the run, from its arrival on."""

    host: str
    channel: Channel
    address: str
    cores: int
    memory: int
    files: dict[str, dict[str, int]]
    answers: queue.Queue[Message] = field(default_factory=queue.Queue)
    objection: str = ""
    lost: str = ""


class Leader:
    """The leader's part of a run on several hosts; a context that is open for as long as the run lasts."""

    def __init__(self, config: JobConfig, hosts: Hosts) -> None:
        self._config = config
        self._hosts = hosts
        self._lock = Lock(config.cluster_secret or "")
        self._members: dict[str, Member] = {}
        self._refused: dict[str, str] = {}
        self._changed = threading.Condition()
        self._peers: Peers | None = None
        self._deployment: Deployment | None = None
        self._ending = False
        self._began = time.monotonic()
        self._stack = ExitStack()
        self.address = ""

    def __enter__(self) -> Self:
        self.address = own_address(self._hosts, self._config.cluster_timeout)
        listener = self._listen()
        self._stack.callback(listener.close)
        threading.Thread(target=self._accept, args=(listener,), name="arrivals", daemon=True).start()
        log.info(
            "This host, %s, leads; waiting on %s:%d for %s.", self._hosts.current, self.address,
            self._config.cluster_port, ", ".join(self._hosts.others),
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _listen(self) -> socket.socket:
        port = self._config.cluster_port
        try:
            return socket.create_server((self.address, port), backlog=128)
        except OSError as error:
            raise EngineError(
                f"The leader cannot listen on {self.address}:{port}: {error.strerror}.",
                "Set ANALYZER_CLUSTER_PORT to a port that is free on all hosts.",
            ) from error

    # --- arrivals ---

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the run is over
                return
            threading.Thread(target=self._receive, args=(connection,), name="host", daemon=True).start()

    def _receive(self, connection: socket.socket) -> None:
        """Greet a caller and listen to it until it is gone; nothing that a stranger sends can harm the run."""
        channel = Channel(connection, leads=True)
        try:
            member = self._greet(channel)
        except (Gone, Refused, OSError, ValueError, KeyError, TypeError) as error:
            log.warning("A caller was turned away: %s.", error)
            return channel.close()
        channel.begin_pulse()
        try:
            while True:
                self._hear(member, channel.next_message())
        except Gone as error:
            self._lose(member, str(error))
        return channel.close()

    def _greet(self, channel: Channel) -> Member:
        missing = [host for host in self._hosts.others if host not in self._members]
        caller = channel.other_address
        try:
            host = admit(channel, self._lock, missing)
        except Refused as error:
            with self._changed:
                self._refused |= {host: str(error) for host in missing if caller in addresses_of(host)}
                self._changed.notify_all()
            raise
        told = channel.next_message()
        files = {
            str(variable): {str(name): int(size) for name, size in listing.items()}
            for variable, listing in told["files"].items()
        }
        member = Member(host, channel, caller, int(told["cores"]), int(told["memory"]), files)
        member.objection = str(told["error"])
        with self._changed:
            self._members[host] = member
            self._changed.notify_all()
        count = sum(map(len, files.values()))
        log.info("%s has arrived after %.1f s: %d cores, %d files.", host, self._age(), member.cores, count)
        return member

    @staticmethod
    def _hear(member: Member, message: Message) -> None:
        """Sort what a host says by itself from what it answers."""
        if "bye" in message:
            raise Gone(f"was stopped: {message['bye']}")
        if "news" in message:
            log.warning("Host %s: %s; what it was at is done by others.", member.host, message["news"])
        else:
            member.answers.put(message)

    def _lose(self, member: Member, reason: str) -> None:
        if not self._ending:
            log.warning(
                "Host %s %s, %.0f s after the run began; what it was at is done by others.",
                member.host, reason, self._age(),
            )  # fmt: skip
        member.lost = member.lost or reason
        member.answers.put({"lost": reason})
        with self._changed:
            self._changed.notify_all()

    def _age(self) -> float:
        return time.monotonic() - self._began

    # --- the run ---

    def gather(self) -> None:
        """Wait until all hosts are there.

        Raises EngineError where one does not arrive in time, may not take part or is gone again, InputError where one
        cannot read its inputs.
        """
        until = self._began + self._config.cluster_timeout
        with self._changed:
            while len(self._members) < len(self._hosts.others):
                self._heed_refusals()
                left = until - time.monotonic()
                if left <= 0:
                    raise self._absent()
                self._changed.wait(left)
        for member in self._members.values():
            if member.objection:
                raise InputError(f"Host {member.host} cannot take part: {member.objection}")
            if member.lost:
                raise EngineError(f"Host {member.host} {member.lost} before the work began.", SEE_LOG)

    def _heed_refusals(self) -> None:
        for host, reason in self._refused.items():
            if host not in self._members and ("versions" in reason or "SECRET" in reason):
                cure = SAME_SECRET if "SECRET" in reason else SAME_IMAGE
                raise EngineError(f"Host {host} was refused: {reason}.", cure)

    def _absent(self) -> EngineError:
        absent = [host for host in self._hosts.others if host not in self._members]
        nameless = [host for host in absent if not addresses_of(host)]
        resolved = f" (no address is known for {', '.join(nameless)})" if nameless else ""
        return EngineError(
            f"Of {len(self._hosts.names)} hosts in resourceconfig.json, {', '.join(absent)} did not arrive within "
            f"{self._config.cluster_timeout} s{resolved}.",
            f"See the log of that host, let hosts reach {self._hosts.current} on port {self._config.cluster_port}, "
            "or set ANALYZER_CLUSTER_TIMEOUT to more seconds.",
        )

    def list_inputs(self, source: Path | str, variable: str = "dataset_source") -> tuple[list[File], Peers | None]:
        """List the files of all hosts as one would see them, and have those that some lack served to the others.

        `variable` names the source. What a URI names is the same for all hosts.

        Raises EngineError and InputError as `gather`, InputError where two hosts have different files under one path.
        """
        self.gather()
        if isinstance(source, str):
            return list_files(source, variable), None
        listings = self._listings(variable, source)
        files = unite(listings, source, variable)
        if not files:
            list_files(source, variable)  # which says what is wrong where there is nothing anywhere
        self._peers = self._peers or self._reach_peers()
        here = sum(path.path in self._peers.held for path in files)
        log.info("%s: %d files on %d hosts, %d of them not on all.", variable, len(files), len(listings), here)
        return files, self._peers

    def _listings(self, variable: str, source: Path) -> Mapping[str, Listing]:
        listings: dict[str, Listing] = {self._hosts.current: list_here(source, variable)}
        return listings | {host: self._members[host].files.get(variable, {}) for host in sorted(self._members)}

    def _reach_peers(self) -> Peers:
        """Find what some hosts lack of all sources, and have it served."""
        held: dict[str, Held] = {}
        own: dict[str, tuple[Path, int]] = {}
        for variable, source in sources_of(self._config).items():
            listings = self._listings(variable, source)
            held |= held_by_some(listings, source, variable)
            own |= served(variable, source, listings[self._hosts.current])
        token = mark(self._lock.key, b"files").hex() if held else ""
        servers = self._serve_files(own, token) if held else {}
        peers = Peers(self._config.root, self._config.root, held, servers, token)
        reach_peers(peers)
        return peers

    def _serve_files(self, files: Mapping[str, tuple[Path, int]], token: str) -> dict[str, tuple[str, int]]:
        server = FileServer(self.address, files, token)
        self._stack.callback(server.close)
        servers = {self._hosts.current: (self.address, server.port)}
        for member in self._members.values():
            answer = self._ask(member, {"do": "serve"})
            servers[member.host] = (member.address, int(answer["port"]))
        return servers

    def _ask(self, member: Member, message: Message) -> Message:
        """Send a host something to do and wait for its answer.

        Raises EngineError where it is gone, gives no answer or cannot do it.
        """
        try:
            member.channel.send(message)
            answer = member.answers.get(timeout=ANSWER_SECONDS)
        except (Gone, queue.Empty) as error:
            raise EngineError(f"Host {member.host} {error or 'gave no answer'}.", SEE_LOG) from error
        reason = answer.get("lost") or answer.get("error")
        if reason:
            raise EngineError(f"Host {member.host}: {reason}", SEE_LOG)
        return answer

    def require_all_everywhere(self, source: Path | str) -> None:
        """Refuse inputs that some hosts lack, which Spark's own readers would read as if they were not there.

        Raises InputError that names one, EngineError and InputError as `gather`.
        """
        if not isinstance(source, Path):
            return self.gather()
        _, peers = self.list_inputs(source)
        if peers and peers.held:
            path, held = next(iter(peers.held.items()))
            raise InputError(
                f"dataset_source: {path} is only on {', '.join(held.hosts)}.",
                'For dataset_format {"spark":...} all hosts must have all files (FullyReplicated).',
            )
        return None

    @contextmanager
    def spark(self) -> Iterator[Deployment]:
        """Start Spark's master and a worker on this host, and have the others start theirs; once for all inside.

        Raises EngineError where this host's do not start; one of another host is only missing.
        """
        if self._deployment is not None:
            yield self._deployment
            return
        with tempfile.TemporaryDirectory(prefix="analyzer-cluster-", ignore_cleanup_errors=True) as scratch:
            spark = Standalone(self._config, self.address, self._lock.key, Path(scratch))
            try:
                self._deployment = self._start(spark)
                yield self._deployment
            finally:
                self._deployment = None
                spark.stop()

    def _start(self, spark: Standalone) -> Deployment:
        memory = min([usable_memory(), *(member.memory for member in self._members.values())])
        cores = self._config.cores + sum(member.cores for member in self._members.values())
        url = spark.start_master()
        for member in self._members.values():
            with suppress(Gone):  # and `_lose` has said so
                member.channel.send({"do": "work", "master": url, "memory": memory})
        spark.start_worker(url, memory)
        return spark.deployment(url, cores, memory)

    # --- the end ---

    def tell_end(self, exit_code: int, text: str) -> None:
        """Tell all hosts how the run ended.

        After a failure also those that have not arrived yet, for a while, but not when this host was told to stop: it
        will not be given the time.
        """
        self._ending = True
        message = {"do": "end", "exit_code": exit_code, "text": text}
        late = 0.0
        if exit_code not in {0, Stopped.exit_code}:
            late = min(LATE_SECONDS, self._config.cluster_timeout - self._age())
        told: set[str] = set()
        self._tell(message, told)
        while late > 0 and len(self._members) < len(self._hosts.others) and not self._refused:
            time.sleep(SETTLE_SECONDS)
            late -= SETTLE_SECONDS
            self._tell(message, told)
        self._until(lambda: all(member.lost for member in self._members.values()), FAREWELL_SECONDS)

    def _tell(self, message: Message, told: set[str]) -> None:
        for host, member in list(self._members.items()):
            if host not in told:
                told.add(host)
                with suppress(Gone):
                    member.channel.send(message)

    def _until(self, is_so: Callable[[], bool], seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(is_so, seconds)
