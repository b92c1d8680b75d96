"""The address of this host in the network that it shares with the others."""

from __future__ import annotations

import ipaddress
import logging
import socket
import time
from contextlib import suppress

from analyzer.cluster.greet import addresses_of
from analyzer.errors import EngineError
from analyzer.hosts import Hosts

log = logging.getLogger(__name__)
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
ANY_PORT = 9
"""No packet is sent to it."""


def own_address(hosts: Hosts, patience: float) -> str:
    """Resolve the name of this host; where that gives a loopback address, take the one that leads to another host.

    Names may be known only some time after the containers started, so it is asked again for `patience` seconds.
    Raises EngineError where there is no address then.
    """
    until, pause = time.monotonic() + patience, FIRST_PAUSE
    while True:
        if address := _address(hosts):
            return address
        if time.monotonic() + pause > until:
            raise EngineError(
                f"The name of this host, {hosts.current}, has no address after {patience:.0f} s.",
                "current_host of resourceconfig.json must be a name that all hosts can resolve.",
            )
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _address(hosts: Hosts) -> str:
    own = sorted(addresses_of(hosts.current))
    if own and not ipaddress.ip_address(own[0]).is_loopback:
        return own[0]
    others = [address for host in hosts.others for address in sorted(addresses_of(host))]
    outside = [address for address in others if not ipaddress.ip_address(address).is_loopback]
    if not outside:
        return own[0] if own and others else ""
    return _way_to(outside[0])


def _way_to(other: str) -> str:
    """Ask the system which of this host's addresses leads to another."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((other, ANY_PORT))
        return str(probe.getsockname()[0])
    return ""
