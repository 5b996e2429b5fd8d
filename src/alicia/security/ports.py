"""Ports of this machine, tried as Mosquitto binds its own."""

from __future__ import annotations

import socket

from alicia.errors import SetupError


def _bound(address: str, port: int) -> socket.socket:
    """A socket bound as Mosquitto binds its own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
    except BaseException:
        bound.close()
        raise
    return bound


def trouble(address: str, port: int) -> OSError | None:
    """Why the port can't be had."""
    try:
        _bound(address, port).close()
    except OSError as error:
        return error
    return None


def require_free(address: str, port: int) -> None:
    """Raises SetupError where the port can't be had: else we might greet somebody else's broker."""
    error = trouble(address, port)
    if isinstance(error, PermissionError):
        raise SetupError(f"Port {port} needs more rights than this user has.", port=port) from error
    if error is not None:
        raise SetupError(
            f"Port {port} can't be used: {error.strerror}. "
            "Stop the program that holds it, or choose another port.",
            port=port,
            address=address,
        ) from error


def free_port(address: str) -> int:
    with _bound(address, 0) as bound:
        return int(bound.getsockname()[1])
