"""Grok on the bus in memory, its models scripted servers over real HTTP."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from alicia.contracts.advanced import THINK, Think, Thought
from alicia.contracts.devices import HomeSnapshot
from alicia.contracts.system import PRESENCE, Phase
from alicia.contracts.voice import CANCEL, GET_HOME, Cancel, CancelReason, GetHome
from alicia.errors import (
    AliciaError,
    ConnectivityError,
    DeclinedError,
    GarbledError,
    LateError,
    NoProviderError,
    NoResponderError,
    QuotaError,
    RateLimitError,
    ServerError,
    SettingsError,
    TurnCancelledError,
    UnsupportedLanguageError,
    UpstreamAuthError,
)
from alicia.home.demo import load
from alicia.runtime.service import Service, serves
from alicia.runtime.settings import Settings
from alicia.services.advanced.grok import Grok, GrokSettings
from alicia.testing.openai_server import Call, OpenAiServer, Reply
from alicia.testing.running import RunningHouse, house
from alicia.testing.waiting import PATIENCE_S, Stopwatch

LAMP = "light.kitchen"
ON = Call("set_power", {"entities": [LAMP], "value": True})


class Mind(Service[Settings]):
    """Understanding as it looks from here: it knows the demo home."""

    name = "ai"

    @serves(GET_HOME)
    async def get_home(self, _: GetHome) -> HomeSnapshot:
        return load().picture().snapshot(0)


def provider(server: OpenAiServer | None = None, **fields: Any) -> dict[str, Any]:
    url = server.url if server else "http://127.0.0.1:9/v1"
    return {"name": "p", "url": url, "model": "m", "input_usd": 0, "output_usd": 0, **fields}


@asynccontextmanager
async def thinking(
    folder: Path, *providers: dict[str, Any], rules: bool = False, **settings: Any
) -> AsyncGenerator[RunningHouse, None]:
    given = {"grok": {"providers": list(providers), **settings}}
    async with house(Mind, Grok, folder=folder, settings=given, access_rules=rules) as home:
        yield home


@pytest.fixture
async def server() -> AsyncGenerator[OpenAiServer, None]:
    async with OpenAiServer().running() as running:
        yield running


async def thought(house: RunningHouse, text: str = "it is gloomy", **fields: Any) -> Thought:
    ask = Think.model_validate({"turn_id": "t1", "text": text, "area_id": "kitchen", **fields})
    return await house.bus.ask(THINK, ask)


async def reason(home: RunningHouse, phase: Phase) -> str:
    found = await home.until(PRESENCE, lambda p: p.service == "grok" and p.phase is phase)
    return found.reason or ""


async def test_a_sentence_comes_to_a_reply(tmp_path: Path, server: OpenAiServer) -> None:
    server.script(Reply("Shall I turn on the light?", usage=(640, 8)))
    async with thinking(tmp_path, provider(server), rules=True) as home:
        found = await thought(home)
        assert found.reply == "Shall I turn on the light?"
        assert found.changes == []
        assert (found.provider, found.input_tokens, found.output_tokens) == ("p", 640, 8)
        assert found.grounded == 5, "what is in the kitchen"
        await reason(home, Phase.READY)


async def test_changes_are_proposed_and_their_values_are_the_devices_own(
    tmp_path: Path, server: OpenAiServer
) -> None:
    dim = Call("set_brightness", {"entities": [LAMP], "value": 39.6})
    server.script(Reply(calls=(ON, dim)))
    async with thinking(tmp_path, provider(server)) as home:
        found = await thought(home)
        assert [(c.entity, c.capability, c.value) for c in found.changes] == [
            (LAMP, "power", True),
            (LAMP, "brightness", 40.0),
        ]


async def test_the_home_of_another_time_is_told_of_in_its_place(
    tmp_path: Path, server: OpenAiServer
) -> None:
    then = load().picture()
    then.put_entity(then.entity(LAMP).model_copy(update={"name": "Old Lamp", "names": {}}))
    async with thinking(tmp_path, provider(server)) as home:
        await thought(home, home=then.snapshot(0))
    assert "Old Lamp" in server.requests[0].body["messages"][1]["content"]


async def test_without_a_provider_it_starts_and_says_why(tmp_path: Path) -> None:
    async with thinking(tmp_path) as home:
        assert "No provider is set" in await reason(home, Phase.DEGRADED)
        with pytest.raises(NoProviderError):
            await thought(home)


async def test_without_its_key_a_provider_is_left_out_and_the_next_is_asked(
    tmp_path: Path, server: OpenAiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    keyless = provider(server, name="grok", key="env:A_KEY")
    async with thinking(tmp_path, keyless) as home:
        assert "A_KEY is not set" in await reason(home, Phase.DEGRADED)
        with pytest.raises(NoProviderError):
            await thought(home)
    async with thinking(tmp_path, keyless, provider(server, name="own")) as home:
        assert (await thought(home)).provider == "own"


async def test_without_the_library_it_starts_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    async with thinking(tmp_path, provider()) as home:
        assert "alicia[models]" in await reason(home, Phase.DEGRADED)
        with pytest.raises(NoProviderError):
            await thought(home)


async def test_a_key_is_read_from_where_the_settings_say(
    tmp_path: Path, server: OpenAiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", " from-env\n")
    file = tmp_path / "key"
    file.write_text("from-file\n", "utf-8")
    file.chmod(0o600)
    for place, key in (("env:A_KEY", "from-env"), ("file:key", "from-file")):
        async with thinking(tmp_path, provider(server, key=place)) as home:
            await thought(home)
        assert server.requests[-1].headers["authorization"] == f"Bearer {key}"
    file.chmod(0o644)
    async with thinking(tmp_path, provider(server, key="file:key")) as home:
        assert "can be read by others" in await reason(home, Phase.DEGRADED)
    file.unlink()
    async with thinking(tmp_path, provider(server, key="file:key")) as home:
        assert "can't be read" in await reason(home, Phase.DEGRADED)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=401), UpstreamAuthError),
        (Reply(status=429), RateLimitError),
        (Reply(status=429, code="insufficient_quota"), QuotaError),
        (Reply(status=500), ServerError),
        (Reply("It is warm.", break_after=2), ConnectivityError),
        (Reply("It is warm.", garbage=True), GarbledError),
        (Reply(calls=(Call("set_power", '{"entities": ["light.k'),)), GarbledError),
        (Reply(refusal="I can't help with that."), DeclinedError),
        (Reply("It is warm.", before_s=10), LateError),
        (Reply(hang=True), LateError),
    ],
)
async def test_what_goes_wrong_is_told_as_its_own_error_within_2_s(
    tmp_path: Path, server: OpenAiServer, reply: Reply, error: type[AliciaError]
) -> None:
    server.script(reply)
    async with thinking(tmp_path, provider(server)) as home:
        began = Stopwatch()
        with pytest.raises(error):
            await thought(home, within_s=1.7)
        assert began.seconds < 2.0


async def test_where_one_is_slow_the_next_answers_within_2_s(
    tmp_path: Path, server: OpenAiServer
) -> None:
    async with OpenAiServer().running() as slow:
        slow.script(Reply("It is warm.", before_s=10))
        async with thinking(
            tmp_path, provider(slow, name="slow"), provider(server, name="own")
        ) as home:
            began = Stopwatch()
            found = await thought(home, within_s=1.7)
            assert began.seconds < 2.0
            assert (found.provider, found.reply) == ("own", "Hello.")
            await asyncio.wait_for(slow.requests[0].abandoned.wait(), PATIENCE_S)


async def test_a_key_that_is_not_taken_shows_until_it_is(
    tmp_path: Path, server: OpenAiServer
) -> None:
    server.script(Reply(status=401))
    async with thinking(tmp_path, provider(server)) as home:
        with pytest.raises(UpstreamAuthError):
            await thought(home)
        assert "does not take the key" in await reason(home, Phase.DEGRADED)


async def test_a_turn_that_is_cancelled_closes_the_connection(
    tmp_path: Path, server: OpenAiServer
) -> None:
    server.script(Reply(hang=True))
    async with thinking(tmp_path, provider(server, first_token_s=5)) as home:
        asking = asyncio.create_task(thought(home))
        request = await server.asked(1)
        await home.bus.say(
            CANCEL, Cancel(turn_id="t1", satellite="s1", reason=CancelReason.BARGE_IN)
        )
        await asyncio.wait_for(request.abandoned.wait(), PATIENCE_S)
        with pytest.raises(TurnCancelledError):
            await asking


async def test_what_a_day_may_cost_outlives_the_process(
    tmp_path: Path, server: OpenAiServer
) -> None:
    dear = provider(server, input_usd=1000, output_usd=1000)
    server.script(Reply("Yes.", usage=(1000, 1)))
    for _ in range(2):  # 1.001 dollars each
        async with thinking(tmp_path, dear, daily_cap_usd=3.0) as home:
            await thought(home)
    async with thinking(tmp_path, dear, daily_cap_usd=3.0) as home:
        with pytest.raises(QuotaError):
            await thought(home)
        assert "spent" in await reason(home, Phase.DEGRADED)
    assert len(server.requests) == 2


async def test_a_secret_that_was_said_does_not_leave(tmp_path: Path, server: OpenAiServer) -> None:
    async with thinking(tmp_path, provider(server)) as home:
        await thought(home, "remember that my PIN is 4711")
    assert "4711" not in server.requests[0].said


async def test_without_the_home_nobody_is_asked(tmp_path: Path, server: OpenAiServer) -> None:
    async with thinking(tmp_path, provider(server)) as home:
        await home.stop(Mind)
        with pytest.raises(NoResponderError):
            await thought(home)
    assert server.requests == []


async def test_a_tenth_language_is_refused(tmp_path: Path, server: OpenAiServer) -> None:
    async with thinking(tmp_path, provider(server)) as home:
        with pytest.raises(UnsupportedLanguageError):
            await thought(home, language="nl")


async def test_one_that_dies_in_the_middle_is_an_error_in_time(
    tmp_path: Path, server: OpenAiServer
) -> None:
    server.script(Reply(hang=True))
    async with thinking(tmp_path, provider(server, first_token_s=5)) as home:
        asking = asyncio.create_task(thought(home))
        await server.asked(1)
        await home.kill(Grok)
        with pytest.raises(AliciaError):
            await asyncio.wait_for(asking, PATIENCE_S)
    assert len(server.requests) == 1, "what costs is not asked twice"


# ---- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://api.example.com/v1"},
        {"url": "ftp://localhost/"},
        {"url": "https://me@api.example.com/v1"},
        {"url": "nonsense"},
        {"key": "xai-abcdef"},
        {"key": "env:"},
        {"input_usd": -1},
        {"first_token_s": 0},
        {"nonsense": 1},
    ],
    ids=str,
)
async def test_what_is_not_safe_ends_the_start(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as raised:
        async with thinking(tmp_path, provider(**wrong)):
            pass
    assert "xai-abcdef" not in str(raised.value)


async def test_prices_are_told_and_names_are_taken_once(tmp_path: Path) -> None:
    unpriced = provider()
    del unpriced["output_usd"]
    for providers in ([unpriced], [provider(), provider()]):
        with pytest.raises(SettingsError):
            async with thinking(tmp_path, *providers):
                pass


def test_the_environment_may_tell_the_providers() -> None:
    told = GrokSettings.model_validate({"providers": json.dumps([provider()])})
    assert told.with_house
    assert [one.name for one in told.providers] == ["p"]
    assert not GrokSettings().with_house


@pytest.mark.parametrize(
    ("fields", "valid"),
    [
        ({"vision": True}, True),
        (
            {"vision": True, "vision_model": "s", "vision_input_usd": 2, "vision_output_usd": 0},
            True,
        ),
        ({"vision": True, "vision_model": "s"}, False),
        ({"vision": True, "vision_model": "s", "vision_input_usd": 2}, False),
        ({"vision_model": "s", "vision_input_usd": 2, "vision_output_usd": 9}, False),
        ({"vision": True, "vision_input_usd": 2, "vision_output_usd": 9}, False),
    ],
)
def test_another_model_that_sees_has_prices_of_its_own(fields: dict[str, Any], valid: bool) -> None:
    given = {"providers": [provider(**fields)]}
    if valid:
        assert GrokSettings.model_validate(given).providers[0].vision
        return
    with pytest.raises(ValidationError):
        GrokSettings.model_validate(given)
