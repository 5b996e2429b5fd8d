"""Telling the network by multicast DNS that Wyoming is spoken here."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from alicia.errors import DependencyMissingError

SERVICE = "_wyoming._tcp.local."


@asynccontextmanager
async def announced(name: str, host: str, port: int) -> AsyncGenerator[None, None]:
    """The service can be found while the block lasts. Raises DependencyMissingError."""
    try:
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf  # noqa: PLC0415 - optional
    except ImportError as error:
        raise DependencyMissingError(
            "Announcing needs the package zeroconf. Run: pip install 'alicia[wyoming]'",
            package="zeroconf",
        ) from error
    info = AsyncServiceInfo(
        SERVICE,
        f"{name}.{SERVICE}",
        addresses=[ipaddress.ip_address(_reachable(host)).packed],
        port=port,
    )
    zeroconf = AsyncZeroconf(interfaces=[_reachable(host)])
    try:
        await zeroconf.async_register_service(info, allow_name_change=True)
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


def _reachable(host: str) -> str:
    """The address itself, or this machine's own where it is served on all."""
    if not ipaddress.ip_address(host).is_unspecified:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("224.0.0.251", 1))  # nothing is sent: it only picks the interface
        return probe.getsockname()[0]
