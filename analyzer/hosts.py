"""The hosts that a job runs on, as resourceconfig.json lists them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The host that this is and all of them, sorted; the first leads. One without a name is alone."""

    current: str = ""
    names: tuple[str, ...] = ("",)

    @property
    def leader(self) -> str:
        return self.names[0]

    @property
    def is_leader(self) -> bool:
        return self.current == self.leader

    @property
    def are_several(self) -> bool:
        return len(self.names) > 1

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name != self.current)


def resource_config(root: Path) -> Path:
    return root / "config" / "resourceconfig.json"


def read_hosts(path: Path) -> Hosts:
    """Read resourceconfig.json; a host is alone when the file is absent or makes no sense."""
    try:
        return _hosts_of(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Hosts()
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be read, this host takes itself for the only one: %r", path, error)
        return Hosts()


def _hosts_of(found: dict[str, object]) -> Hosts:
    current, listed = found["current_host"], found["hosts"]
    if not isinstance(current, str) or not isinstance(listed, list) or not listed:
        raise ValueError("current_host must be a name and hosts a list of names")
    if not all(isinstance(name, str) and name for name in listed):
        raise ValueError("hosts must be a list of names")
    return Hosts(current, tuple(sorted(set(listed))))
