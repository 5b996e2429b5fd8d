"""The page in a real Chromium whose microphone is a recording; and its door, knocked at by hand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import secrets
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.e2e import chromium
from tests.e2e.conftest import SPEECH
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from alicia.audio.formats import read, write_wav
from alicia.contracts.voice import SAY_TEXT, SayText
from alicia.peers.browser.server import Browser
from alicia.runtime.house import MqttHouse
from alicia.runtime.runner import joined
from alicia.security.authority import read_certificate
from alicia.testing.live import LiveHouse
from alicia.testing.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")
needs_chromium = pytest.mark.skipif(
    chromium.PROGRAM is None, reason="chromium is not installed (apt-get install chromium)"
)
KITCHEN = "turn_on_the_kitchen_light.bf_emma.flac"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def peer(house: LiveHouse) -> AsyncGenerator[Browser, None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALICIA_BROWSER__PORT", "0")
        patch.setenv("ALICIA_BROWSER__TURNS_PER_MINUTE", "6")
        async with joined(Browser, MqttHouse(house.folder), house.folder) as serving:
            yield serving


async def off(house: LiveHouse) -> None:
    text = "turn off the kitchen light"
    await house.console.ask(
        SAY_TEXT, SayText(turn_id=secrets.token_hex(8), satellite="test", text=text)
    )
    await house.until("light.kitchen", "power", value=False)


def trust(house: LiveHouse) -> str:
    """Chromium's way to trust one key: that of the page's certificate."""
    certificate = read_certificate(house.folder.root / "state" / "browser" / "server.pem")
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    digest = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={digest}"


def microphone(folder: Path, *, quiet_s: float = 1.0) -> str:
    """A recording that is played once, from when the page opens its microphone."""
    before, after = np.zeros(int(quiet_s * 16_000), np.int16), np.zeros(48_000, np.int16)
    pcm = np.concatenate([before, read(SPEECH / KITCHEN, max_s=30), after])
    write_wav(folder / "spoken.wav", np.repeat(pcm, 3), 48_000)
    return f"--use-file-for-fake-audio-capture={folder / 'spoken.wav'}%noloop"


# ---- in a browser --------------------------------------------------------------------------------


@needs_chromium
async def test_a_command_spoken_in_the_page_moves_the_lamp_and_is_answered_aloud(
    house: LiveHouse, peer: Browser, tmp_path: Path
) -> None:
    await off(house)
    code = peer.visitors.invite()
    async with chromium.tab(peer.address, tmp_path, trust(house), microphone(tmp_path)) as tab:
        await tab.until("document.body.dataset.state === 'login'")
        await _shot(tab, "login")
        await tab.run(
            "document.getElementById('code').value = 'AAAA-AAAA';"
            "document.getElementById('enter').requestSubmit();"
        )
        await tab.until("document.getElementById('refused').textContent")
        await tab.run(
            f"document.getElementById('code').value = '{code}';"
            "document.getElementById('enter').requestSubmit();"
        )
        await tab.until("document.body.dataset.state === 'ready'")
        areas = await tab.run("[...document.getElementById('area').options].map(o => o.value)")
        assert "kitchen" in areas
        assert [kind for kind, _ in tab.sent if kind == "binary"] == []  # nothing before a turn
        await _shot(tab, "ready")
        await tab.run("document.getElementById('speak').click()")
        await tab.until("document.body.dataset.state === 'listening'")
        await _shot(tab, "listening")
        await house.until("light.kitchen", "power", value=True)
        reply = await tab.until("document.querySelector('.alicia')?.textContent")
        assert "kitchen" in reply.lower()
        said = await tab.run("document.querySelector('.you').textContent")
        assert "turn on the kitchen light" in said.lower()
        assert await tab.run("document.querySelector('.done li').dataset.entity") == "light.kitchen"
        await tab.until("document.body.dataset.state === 'ready'")
        assert await tab.run("Number(document.body.dataset.playedMs)") > 500
        assert sum(size for kind, size in tab.received if kind == "binary") > 20_000
        await _shot(tab, "answered")
        sent = len(tab.sent)
        await asyncio.sleep(1)
        assert len(tab.sent) == sent  # nothing after it
        refused = "401"  # our own wrong code
        assert [text for text in tab.complaints if refused not in text] == []


@needs_chromium
async def test_hands_free_begins_a_turn_when_somebody_speaks(
    house: LiveHouse, peer: Browser, tmp_path: Path
) -> None:
    await off(house)
    token = peer.visitors.enter(peer.visitors.invite())
    quiet = microphone(tmp_path, quiet_s=3.0)
    async with chromium.tab(peer.address, tmp_path, trust(house), quiet) as tab:
        await _let_in(tab, peer, token)
        await tab.run("document.getElementById('handsfree').click()")
        reply = await tab.until("document.querySelector('.alicia')?.textContent")
        heard = await tab.run("document.querySelector('.you')?.textContent")
        assert "kitchen" in reply.lower(), (heard, reply)
        await house.until("light.kitchen", "power", value=True)
        kinds = [kind for kind, _ in tab.sent]
        assert json.loads(kinds[0])["type"] == "start"
        assert [kind for kind in kinds if '"start"' in kind] == kinds[:1]  # one turn, begun once


@needs_chromium
async def test_a_microphone_that_is_not_wanted_any_more_is_closed_when_it_has_opened(
    house: LiveHouse, peer: Browser, tmp_path: Path
) -> None:
    token = peer.visitors.enter(peer.visitors.invite())
    async with chromium.tab(peer.address, tmp_path, trust(house), microphone(tmp_path)) as tab:
        await _let_in(tab, peer, token)
        await tab.run(
            "window.tracks = [];"
            "const media = navigator.mediaDevices, open = media.getUserMedia.bind(media);"
            "media.getUserMedia = async (wish) => {"
            "  const stream = await open(wish);"
            "  window.tracks.push(...stream.getTracks());"
            "  return stream;"
            "};"
            "const box = document.getElementById('handsfree');"
            "box.click(); box.click();"
        )
        await tab.until(
            "window.tracks.length && window.tracks.every(t => t.readyState === 'ended')"
        )
        await tab.run("box.click(); box.click(); box.click()")
        await tab.until("window.tracks.some(t => t.readyState === 'live')")
        live = "window.tracks.filter(t => t.readyState === 'live').length"
        await asyncio.sleep(0.5)
        assert await tab.run(live) == 1
        assert [kind for kind, _ in tab.sent if kind == "binary"] == []


async def _let_in(tab: chromium.Tab, peer: Browser, token: str | None) -> None:
    """As one whose browser has the cookie."""
    await tab.until("document.body.dataset.state === 'login'")
    await tab.ask(
        "Network.setCookie",
        name="__Host-alicia",
        value=token,
        url=peer.address,
        path="/",
        secure=True,
        httpOnly=True,
    )
    await tab.run("location.reload()")
    await tab.until("document.body.dataset.state === 'ready'")


async def _shot(tab: chromium.Tab, name: str) -> None:
    """A picture for who asks: ALICIA_SCREENSHOTS=FOLDER."""
    if folder := os.environ.get("ALICIA_SCREENSHOTS"):
        await tab.picture(Path(folder) / f"{name}.png")


# ---- its door ------------------------------------------------------------------------------------


def tls(house: LiveHouse) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=house.folder.root / "ca" / "ca.crt")


async def http(
    house: LiveHouse, peer: Browser, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, str]:
    """Status and the whole answer. The certificate must be the home's own."""
    host, port = peer.address.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=tls(house))
    given = {"Host": f"{host}:{port}", "Connection": "close", "Content-Length": str(len(body))}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**given, **headers}.items()]
    writer.write("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + body)
    async with asyncio.timeout(PATIENCE_S):
        answer = (await reader.read()).decode()
    writer.transport.abort()
    return int(answer.split()[1]), answer


def page(peer: Browser, house: LiveHouse, token: str | None, origin: str | None = None) -> connect:
    return connect(
        f"{peer.address.replace('https', 'wss')}/speak",
        ssl=tls(house),
        origin=origin or peer.address,  # type: ignore[arg-type] - a new type of str
        additional_headers={"Cookie": f"__Host-alicia={token}"} if token else {},
        proxy=None,
    )


async def test_the_page_comes_with_a_strict_policy(house: LiveHouse, peer: Browser) -> None:
    for path in ("/", "/app.js", "/capture.js", "/style.css", "/words.js", "/sound.js"):
        status, answer = await http(house, peer, "GET", path)
        assert status == 200
        head = answer.lower().partition("\r\n\r\n")[0]
        assert "content-security-policy: default-src 'none'; script-src 'self'" in head
        assert "unsafe" not in head
        assert "server:" not in head
    status, _ = await http(house, peer, "GET", "/..%2fserver.py")
    assert status == 404


async def test_a_code_counts_once_and_another_sites_page_can_not_use_it(
    house: LiveHouse, peer: Browser
) -> None:
    code = json.dumps({"code": peer.visitors.invite()}).encode()
    status, _ = await http(house, peer, "POST", "/enter", code, Origin="https://evil.example")
    assert status == 403
    status, _ = await http(house, peer, "POST", "/enter", code)
    assert status == 403
    status, answer = await http(house, peer, "POST", "/enter", code, Origin=peer.address)
    assert status == 200
    cookie = next(line for line in answer.splitlines() if line.lower().startswith("set-cookie"))
    assert all(
        word in cookie for word in ("__Host-alicia=", "HttpOnly", "Secure", "SameSite=strict")
    )
    status, _ = await http(house, peer, "POST", "/enter", code, Origin=peer.address)
    assert status == 401


async def test_without_a_token_or_from_another_origin_nobody_speaks(
    house: LiveHouse, peer: Browser
) -> None:
    token = peer.visitors.enter(peer.visitors.invite())
    for given, origin in ((None, None), ("forged", None), (token, "https://evil.example")):
        with pytest.raises(InvalidStatus):
            async with page(peer, house, given, origin):
                pass


@pytest.mark.parametrize(
    "bad",
    [
        "not json",
        "[1]",
        '{"type": "reboot"}',
        '{"type": "start", "language": "xx"}',
        '{"type": "start", "language": "en", "area": "../etc"}',
        '{"type": "start", "language": "en", "number": "1"}',
        "{" * 30_000,
        "x" * 100_000,
    ],
    ids=range(8),
)
async def test_what_is_not_the_protocol_ends_the_page(
    house: LiveHouse, peer: Browser, bad: str
) -> None:
    token = peer.visitors.enter(peer.visitors.invite())
    async with page(peer, house, token) as socket:
        await socket.send(bad)
        with pytest.raises(ConnectionClosed):
            await told(socket, "never")


async def test_more_audio_than_a_microphone_gives_ends_the_page(
    house: LiveHouse, peer: Browser
) -> None:
    token = peer.visitors.enter(peer.visitors.invite())
    async with page(peer, house, token) as socket:
        await socket.send('{"type": "start", "language": "en"}')
        with pytest.raises(ConnectionClosed):
            await flood(socket)


async def test_too_many_turns_are_refused_in_the_persons_language(
    house: LiveHouse, peer: Browser
) -> None:
    token = peer.visitors.enter(peer.visitors.invite())
    async with page(peer, house, token) as socket:
        for _ in range(7):
            await socket.send('{"type": "start", "language": "de"}')
        problem = await told(socket, "problem")
        assert "viel" in problem["text"]


async def test_what_is_told_names_its_turn_and_the_stopped_one_comes_before_the_next(
    house: LiveHouse, peer: Browser
) -> None:
    token = peer.visitors.enter(peer.visitors.invite())
    async with page(peer, house, token) as socket:
        for number in (1, 2):
            start = {"type": "start", "language": "en", "number": number}
            await socket.send(json.dumps(start))
        await socket.send('{"type": "end"}')
        numbers: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await socket.recv()
                if isinstance(message, str):
                    numbers.append(json.loads(message)["number"])
                    if numbers[-1] == 2 and json.loads(message)["type"] in ("turn", "problem"):
                        break
    assert numbers == sorted(numbers)


async def flood(socket: ClientConnection) -> None:
    for _ in range(100):
        await socket.send(bytes(16_000))
    await told(socket, "never")


async def told(socket: ClientConnection, kind: str) -> dict[str, str]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await socket.recv()
            if isinstance(message, str) and json.loads(message)["type"] == kind:
                return json.loads(message)
