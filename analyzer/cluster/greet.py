"""How two hosts come to trust each other: who they are, which versions they run, and the key of the run.

Without ANALYZER_CLUSTER_SECRET the leader hands the run's random key to whoever calls from an address that the name of
an expected host resolves to. With it, both prove that they know it, and the key of the run is derived from it and a
random number, so that no key ever travels.
"""

from __future__ import annotations

import hashlib
import hmac
import platform
import secrets
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import analyzer
from analyzer.cluster.channel import Channel, Gone, mark
from analyzer.errors import ConfigError, EngineError

LIBRARIES = ("pyspark", "polars", "pyarrow", "numpy")
SAME_IMAGE = "Run the same image on all hosts."
SAME_SECRET = "Give all hosts the same ANALYZER_CLUSTER_SECRET, or none of them any."  # noqa: S105 (a hint)
Resolve = Callable[[str], Collection[str]]


class Refused(Exception):  # noqa: N818 (it says what was done)
    """A caller that may not take part in the run; the reason is for both logs."""


@cache
def versions() -> dict[str, str]:
    """Name what has to be the same on all hosts for their states to be merged."""
    found = {"analyzer": f"{analyzer.__version__} (code {_code()})", "python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "absent"
    return found


def _code() -> str:
    """Tell two builds under one version apart."""
    folder = Path(analyzer.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:8]


def difference(ours: dict[str, str], theirs: Any) -> str:
    """Say in which versions two hosts differ; nothing where they agree."""
    theirs = theirs if isinstance(theirs, dict) else {}
    return ", ".join(
        f"{name} {found} here and {theirs.get(name, 'unknown')} there"
        for name, found in ours.items()
        if theirs.get(name) != found
    )


def addresses_of(name: str) -> frozenset[str]:
    """Resolve the name of a host; none where it has none (yet)."""
    try:
        return frozenset(str(found[4][0]) for found in socket.getaddrinfo(name, None, socket.AF_INET))
    except (OSError, UnicodeError):
        return frozenset()


@dataclass(frozen=True, slots=True)
class Lock:
    """The key of a run and, where the user gave a secret, how it is proven."""

    secret: str = ""
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @property
    def key(self) -> bytes:
        """The key of the run: random, or derived from the user's secret and the random number."""
        return mark(self.secret.encode(), b"run", self.nonce) if self.secret else self.nonce

    def proof(self, role: bytes, host: str, challenge: bytes) -> str:
        return mark(self.secret.encode(), role, self.nonce, host.encode(), challenge).hex()


def channel_key(key: bytes, host: str, challenge: bytes) -> bytes:
    """Give the key of one connection, so that no message fits into another."""
    return mark(key, b"channel", host.encode(), challenge)


def admit(channel: Channel, lock: Lock, expected: Collection[str], resolve: Resolve = addresses_of) -> str:
    """Greet a caller as the leader does and return its name.

    Raises Refused where it may not take part, after telling it why, and Gone where it does not speak this protocol.
    """
    greeting = channel.next_message()
    host, challenge = str(greeting.get("host")), bytes.fromhex(_hex(greeting.get("challenge")))
    known = host in expected and channel.other_address in resolve(host)
    reason = _objection(greeting, host, lock) if known else f"{channel.other_address} is no {host!r} that is waited for"
    if reason:
        channel.send({"refused": reason})
        raise Refused(reason)
    answer = {"nonce": lock.nonce.hex()}
    if lock.secret:
        answer["proof"] = lock.proof(b"leader", host, challenge)
    channel.send(answer)
    if lock.secret and not _equal(channel.next_message().get("proof"), lock.proof(b"follower", host, challenge)):
        channel.send({"refused": f"{host} does not know ANALYZER_CLUSTER_SECRET"})
        raise Refused(f"{host} does not know ANALYZER_CLUSTER_SECRET")
    channel.trust(channel_key(lock.key, host, challenge))
    return host


def _objection(greeting: dict[str, Any], host: str, lock: Lock) -> str:
    if bool(greeting.get("guarded")) != bool(lock.secret):
        having, lacking = ("the leader", host) if lock.secret else (host, "the leader")
        return f"ANALYZER_CLUSTER_SECRET is set on {having}, but not on {lacking}"
    different = difference(versions(), greeting.get("versions"))
    return f"the leader and {host} run different versions (here is the leader): {different}" if different else ""


def introduce(channel: Channel, host: str, leader: str, secret: str) -> bytes:
    """Greet the leader as the others do and return the key of the run.

    Raises EngineError where the leader refuses, ConfigError where it does not know our secret, Gone where it is.
    """
    challenge = secrets.token_bytes(32)
    channel.send({"host": host, "challenge": challenge.hex(), "guarded": bool(secret), "versions": versions()})
    answer = channel.next_message()
    _heed_refusal(answer, leader)
    lock = Lock(secret, bytes.fromhex(_hex(answer.get("nonce"))))
    if secret:
        if not _equal(answer.get("proof"), lock.proof(b"leader", host, challenge)):
            channel.send({"proof": ""})
            raise ConfigError(f"The leader {leader} does not know ANALYZER_CLUSTER_SECRET of this host.", SAME_SECRET)
        channel.send({"proof": lock.proof(b"follower", host, challenge)})
    channel.trust(channel_key(lock.key, host, challenge))
    return lock.key


def _heed_refusal(answer: dict[str, Any], leader: str) -> None:
    reason = answer.get("refused")
    if reason is not None:
        cure = SAME_SECRET if "SECRET" in str(reason) else SAME_IMAGE if "versions" in str(reason) else ""
        raise EngineError(f"The leader {leader} refused this host: {reason}.", cure)


def _equal(found: object, expected: str) -> bool:
    return hmac.compare_digest(str(found).encode(), expected.encode())


def _hex(text: object) -> str:
    if not isinstance(text, str) or len(text) != 64 or not set(text) <= set("0123456789abcdef"):
        raise Gone("does not greet as a host of a run does")
    return text
