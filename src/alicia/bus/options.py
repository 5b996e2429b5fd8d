"""Where the broker is, and who we are to it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from alicia.errors import SettingsError, SetupError

KEEPALIVE_S = 10
"""A broker that is frozen is noticed within twice this; a client of ours within 1.5 times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttOptions:
    url: str
    """mqtts://host:port, or mqtt://host:port on loopback."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    client_id: str
    connect_timeout_s: float = 10.0
    """How long `open` tries before it raises."""
    keepalive_s: int = KEEPALIVE_S

    def address(self) -> tuple[str, int, bool]:
        """Host, port, TLS. Raises SettingsError."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise SettingsError(
                "The broker's address must look like mqtts://host:8883.", url=self.url
            )
        tls = parts.scheme == "mqtts"
        if not tls and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise SettingsError(
                "Without TLS the broker may only be on this machine: use mqtts://.", url=self.url
            )
        return parts.hostname, parts.port or (8883 if tls else 1883), tls

    def tls(self) -> ssl.SSLContext | None:
        """What to connect with. Raises SettingsError, SetupError where the CA can't be read."""
        if not self.address()[2]:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise SetupError(
                f"{self.ca} holds no readable certificate.", path=str(self.ca)
            ) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context
