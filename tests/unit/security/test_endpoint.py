"""Somebody else's broker: which URLs will do, and what is said where it doesn't answer."""

import asyncio
import ssl
from pathlib import Path

import pytest

from alicia.errors import NotReadyError, SettingsError, SetupError
from alicia.security.authority import Authority
from alicia.security.endpoint import Endpoint, existing


@pytest.mark.parametrize(
    "url",
    [
        *["", "broker", "mqtt://broker", "https://broker", "mqtts://", "mqtts://broker/path"],
        *["mqtts://broker:0", "mqtts://broker:70000", "mqtts://broker?x=1", "mqtts://[::1"],
    ],
)
async def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        await existing(url)


async def test_credentials_in_a_url_are_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        await existing("mqtts://stt:hunter2@broker")
    assert "hunter2" not in str(caught.value)


def test_an_ipv6_address_is_bracketed() -> None:
    assert Endpoint("::1", 8883).url == "mqtts://[::1]:8883"


async def test_a_broker_that_is_not_there_may_be_asked_again() -> None:
    server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(NotReadyError) as caught:
        await existing(f"mqtts://127.0.0.1:{port}")
    assert caught.value.retryable


async def test_a_server_without_tls_is_refused() -> None:
    def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(SetupError, match="TLS"):
            await existing(f"mqtts://127.0.0.1:{port}")


async def test_only_a_certificate_of_the_given_root_is_trusted(tmp_path: Path) -> None:
    own, foreign = Authority(tmp_path / "own"), Authority(tmp_path / "foreign")
    own.ensure_server()
    foreign.ensure()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own.server_file)
    async with await asyncio.start_server(
        lambda _, w: w.close(), "127.0.0.1", 0, ssl=tls
    ) as server:
        url = f"mqtts://localhost:{server.sockets[0].getsockname()[1]}"
        endpoint = await existing(url, ca_file=own.ca_file)
        assert endpoint.url == url
        with pytest.raises(SetupError, match="can't be trusted"):
            await existing(url, ca_file=foreign.ca_file)
        with pytest.raises(SetupError, match="no readable certificate"):
            await existing(url, ca_file=tmp_path / "missing")
