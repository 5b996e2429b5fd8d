"""Where a broker is reached, and whether it is one that can be trusted."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from alicia.errors import NotReadyError, SettingsError, SetupError

DEFAULT_PORT = 8883


@dataclass(frozen=True)
class Endpoint:
    """A broker's address, over TLS. Credentials are never part of it."""

    host: str
    port: int = DEFAULT_PORT
    ca_file: Path | None = None
    """Trusts this root alone; without it, the roots of this machine."""
    oldest_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtts://{host}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """What a client connects with. Raises SetupError where the root can't be read."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(
                f"{self.ca_file} holds no readable certificate.", path=str(self.ca_file)
            ) from error
        context.minimum_version = self.oldest_tls
        return context

    async def shake_hands(self, context: ssl.SSLContext, timeout_s: float) -> None:
        """One TLS handshake. Raises OSError, ssl.SSLError or TimeoutError."""
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(
                self.host,
                self.port,
                ssl=context,
                server_hostname=self.host if context.check_hostname else "",
            )
        # No MQTT was spoken, so there is nothing to take leave of.
        writer.transport.abort()


async def existing(url: str, *, ca_file: Path | None = None, timeout_s: float = 5.0) -> Endpoint:
    """Adopt somebody else's broker: nothing is started, the caller has the credentials.

    `mqtts://host[:port]`, TLS 1.2 or newer. Raises SettingsError for another URL, SetupError for a
    broker that can't be trusted, NotReadyError for one that doesn't answer.
    """
    endpoint = _parsed(url, ca_file)
    try:
        await endpoint.shake_hands(endpoint.tls(), timeout_s)
    except ssl.SSLCertVerificationError as error:
        raise SetupError(
            f"The broker's certificate can't be trusted: {error.verify_message}.", url=endpoint.url
        ) from error
    except (ssl.SSLError, ConnectionResetError) as error:
        raise SetupError("The broker does not speak TLS there.", url=endpoint.url) from error
    except OSError as error:  # TimeoutError is one
        raise NotReadyError(
            f"The broker does not answer: {error.strerror or type(error).__name__}.",
            url=endpoint.url,
        ) from error
    return endpoint


def _parsed(url: str, ca_file: Path | None) -> Endpoint:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError("The broker's URL can't be read.", field="url") from error
    if parts.username is not None or parts.password is not None:
        # The URL itself is not repeated: it holds a password.
        raise SettingsError("Credentials don't belong into the broker's URL.", field="url")
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme != "mqtts" or not parts.hostname or extra or port == 0:
        raise SettingsError(
            f"{url!r} is not the URL of a broker: mqtts://host or mqtts://host:port.", field="url"
        )
    return Endpoint(parts.hostname, port or DEFAULT_PORT, ca_file, ssl.TLSVersion.TLSv1_2)
