"""What the bus promises, on a broker in memory and on a real one."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from time import monotonic
from typing import Any

import pytest

from alicia.bus.bus import Bus, Declaration
from alicia.bus.hearing import Delivery
from alicia.bus.packet import Packet
from alicia.contracts.kinds import Command
from alicia.contracts.system import DEAD_LETTER
from alicia.contracts.voice import AUDIO, AudioChunk
from alicia.errors import (
    AudioLostError,
    DeadlineError,
    InternalError,
    MalformedMessageError,
    NoResponderError,
    NotConnectedError,
    OverloadedError,
    RefusedError,
    ResponderLostError,
    UnauthenticatedError,
    UndeclaredTopicError,
)
from alicia.testing.waiting import PATIENCE_S, Stopwatch, until

from .harness import (
    ADD,
    ALL,
    LEVEL,
    NOTED,
    ONCE,
    PRESENT,
    SHORT,
    SOUND,
    House,
    Note,
    Sum,
    Total,
    added,
    replaced,
    rooted,
    take,
    without_end,
)

Handler = Callable[[Delivery[Sum]], Awaitable[Total]]


@asynccontextmanager
async def pair(house: House) -> AsyncGenerator[tuple[Bus, Bus], None]:
    yield await house.join("anna"), await house.join("ben")


@asynccontextmanager
async def stuck(bus: Bus, *commands: Command[Sum, Total]) -> AsyncGenerator[None, None]:
    """Served, but never answered; left by a cancellation, which waits for nothing."""
    serving = asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for command in commands:
                await stack.enter_async_context(bus.serve(command, without_end))
            serving.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await serving.wait()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def numbers(notes: list[Note]) -> list[int]:
    return [note.number for note in notes]


# ---- say and hear --------------------------------------------------------------------------------


@pytest.mark.parametrize("topic", [NOTED, LEVEL, SOUND], ids=["event", "state", "stream"])
async def test_what_is_said_is_heard_by_everyone_with_its_headers(house: House, topic: Any) -> None:
    async with pair(house) as (anna, ben), ben.hear(topic) as first, anna.hear(topic) as second:
        await anna.say(topic, Note(room="hall", number=7, text="größer → weiß"))
        for hearing in (first, second):
            async with asyncio.timeout(PATIENCE_S):
                delivery = await anext(hearing)
            assert delivery.message == Note(room="hall", number=7, text="größer → weiß")
            assert delivery.topic == topic.name(delivery.message)
            assert delivery.sender == f"anna/{anna.instance}"


async def test_a_binary_chunk_crosses_as_it_is(house: House) -> None:
    pcm = bytes(range(256)) * 5
    chunk = AudioChunk(sequence=3, position=960, rate_hz=16000, pcm=pcm, utterance_id="u1")
    async with pair(house) as (anna, ben), ben.hear(AUDIO, utterance_id="u1") as hearing:
        await anna.say(AUDIO, chunk)
        assert await take(hearing, 1) == [chunk]


async def test_a_place_narrows_a_private_stream_to_its_own_utterance(house: House) -> None:
    def chunk(utterance: str, sequence: int) -> AudioChunk:
        return AudioChunk(
            sequence=sequence, position=0, rate_hz=16000, pcm=b"\0\0", utterance_id=utterance
        )

    async with (
        pair(house) as (anna, ben),
        ben.hear(AUDIO, utterance_id="mine") as mine,
        ben.hear(AUDIO, utterance_id="other") as other,
    ):
        for sequence in range(20):
            await anna.say(AUDIO, chunk("other", sequence))
            await anna.say(AUDIO, chunk("mine", sequence))
        heard = await take(mine, 20)
        assert {c.utterance_id for c in heard} == {"mine"}
        assert [c.sequence for c in heard] == list(range(20))
        assert [c.sequence for c in await take(other, 20)] == list(range(20))


@pytest.mark.parametrize("topic", [NOTED, SOUND], ids=["event", "stream"])
async def test_hearings_that_overlap_on_one_bus_each_hear_it_once(house: House, topic: Any) -> None:
    async with (
        pair(house) as (anna, ben),
        ben.hear(topic) as wide,
        ben.hear(topic, room="hall") as narrow,
        ben.tap("test/#") as tap,
    ):
        for number in range(5):
            await anna.say(topic, Note(room="hall", number=number))
        await anna.say(topic, Note(room="attic", number=5))
        await anna.say(topic, Note(room="hall", number=6))
        assert numbers(await take(wide, 7)) == [0, 1, 2, 3, 4, 5, 6]
        assert numbers(await take(narrow, 6)) == [0, 1, 2, 3, 4, 6]
        async with asyncio.timeout(PATIENCE_S):
            tapped = [Note.decode((await anext(tap)).payload, {}).number for _ in range(7)]
        assert tapped == [0, 1, 2, 3, 4, 5, 6]


async def test_who_leaves_a_topic_hears_it_no_more_and_others_still_do(house: House) -> None:
    async with pair(house) as (anna, ben), ben.hear(NOTED) as staying:
        async with ben.hear(NOTED) as leaving:
            await anna.say(NOTED, Note(number=1))
            assert numbers(await take(leaving, 1)) == [1]
        await anna.say(NOTED, Note(number=2))
        assert numbers(await take(staying, 2)) == [1, 2]
    assert not anna._routing.hearers
    assert not ben._subscribed.keys() - {(ben._identity.inbox, None)}


async def test_a_tap_beside_a_hearing_leaves_it_its_delivery_guarantee(house: House) -> None:
    async with pair(house) as (anna, ben), ben.hear(NOTED, room="hall") as hearing:
        async with ben.tap("test/noted/hall"):
            await anna.say(NOTED, Note(number=1))
        await anna.say(NOTED, Note(number=2))
        async with asyncio.timeout(PATIENCE_S):
            packets = [await anext(hearing), await anext(hearing)]
        assert [p.message.number for p in packets] == [1, 2]


async def test_two_who_begin_to_hear_at_the_same_time_are_both_subscribed(house: House) -> None:
    async with pair(house) as (anna, ben), AsyncExitStack() as stack:
        first, second = await asyncio.gather(
            stack.enter_async_context(ben.hear(NOTED)),
            stack.enter_async_context(ben.hear(NOTED)),
        )
        await anna.say(NOTED, Note(number=1))
        assert numbers(await take(first, 1) + await take(second, 1)) == [1, 1]


# ---- states --------------------------------------------------------------------------------------


async def test_a_newcomer_hears_each_state_as_it_is_now(house: House) -> None:
    async with pair(house) as (anna, ben):
        for room, number in (("hall", 1), ("attic", 2), ("hall", 3)):
            await anna.say(LEVEL, Note(room=room, number=number))
        async with ben.hear(LEVEL) as hearing:
            heard = {note.room: note.number for note in await take(hearing, 2)}
        assert heard == {"hall": 3, "attic": 2}


async def test_who_hears_a_state_second_on_the_same_bus_gets_it_too(house: House) -> None:
    async with pair(house) as (anna, ben):
        await anna.say(LEVEL, Note(number=1))
        async with ben.hear(LEVEL) as first:
            assert numbers(await take(first, 1)) == [1]
            async with ben.hear(LEVEL) as second:
                assert numbers(await take(second, 1)) == [1]


async def test_who_is_slow_hears_the_newest_of_each_state_alone(house: House) -> None:
    async with pair(house) as (anna, ben), ben.hear(LEVEL) as slow, ben.hear(NOTED) as mark:
        for number in range(200):
            await anna.say(LEVEL, Note(room=f"room{number % 2}", number=number))
        await anna.say(NOTED, Note())
        await take(mark, 1)
        assert numbers(await take(slow, 2)) == [198, 199]
        assert not slow._hearer.queue


# ---- streams and events under load ---------------------------------------------------------------


async def test_a_stream_keeps_the_newest_and_counts_what_it_dropped(house: House) -> None:
    async with pair(house) as (anna, ben):
        async with ben.hear(SOUND, limit=10) as slow, ben.hear(NOTED) as mark:
            for number in range(100):
                await anna.say(SOUND, Note(number=number))
            await anna.say(NOTED, Note())
            await take(mark, 1)
            assert numbers(await take(slow, 10)) == list(range(90, 100))
        assert ben.dropped == {SOUND.pattern: 90}


async def test_events_push_back_and_a_slow_hearer_gets_all_of_them_in_order(house: House) -> None:
    count = 5000
    most = 0
    async with pair(house) as (anna, ben), ben.hear(NOTED) as hearing, ben.hear(SOUND) as mark:

        async def say_all() -> None:
            window = asyncio.Semaphore(64)

            async def say(number: int) -> None:
                async with window:
                    await anna.say(NOTED, Note(number=number))

            await asyncio.gather(*(say(number) for number in range(count)))

        saying = asyncio.create_task(say_all())
        # Everything is with the broker before the first is taken.
        await saying
        heard: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            async for delivery in hearing:
                most = max(most, len(hearing._hearer.queue))
                heard.append(delivery.message.number)
                if len(heard) == count:
                    break
        assert heard == list(range(count))
        # Mosquitto 2.0.11 may go one window over ours.
        assert most <= 1000
        await anna.say(SOUND, Note(text="end"))
        assert (await take(mark, 1))[0].text == "end"


async def test_a_flood_of_events_that_nobody_takes_does_not_hold_up_an_answer(house: House) -> None:
    async with (
        pair(house) as (anna, ben),
        ben.hear(NOTED),
        ben.serve(ONCE, added),
        anna.serve(ADD, added),
    ):
        await asyncio.gather(*(anna.say(NOTED, Note(number=n)) for n in range(1500)))
        assert (await ben.ask(ADD, Sum(a=1, b=2))).total == 3
        assert (await anna.ask(ONCE, Sum(a=2, b=2))).total == 4


async def test_what_has_expired_is_not_given_to_who_was_busy(house: House) -> None:
    async with pair(house) as (anna, ben), ben.hear(NOTED) as filler, ben.hear(SHORT) as short:
        # The window is full, so what follows stays with the broker.
        await asyncio.gather(*(anna.say(NOTED, Note(number=n)) for n in range(1500)))
        await anna.say(SHORT, Note(text="stale"))
        said = monotonic()
        # Mosquitto counts in whole seconds.
        await until(lambda: monotonic() - said > 2.1)
        assert len(await take(filler, 1500)) == 1500
        await anna.say(SHORT, Note(text="fresh"))
        assert (await take(short, 1))[0].text == "fresh"


async def test_an_expired_state_is_gone_for_newcomers(house: House) -> None:
    async with pair(house) as (anna, ben):
        await anna._transport.publish(
            Packet(rooted(anna, "test/level/hall"), b'{"number":1}', 1, True, expiry_s=1)
        )
        said = monotonic()
        await until(lambda: monotonic() - said > 2.1)
        async with ben.hear(LEVEL) as hearing:
            await anna.say(LEVEL, Note(room="attic", number=2))
            assert numbers(await take(hearing, 1)) == [2]


# ---- ask and serve -------------------------------------------------------------------------------


async def test_a_question_is_answered(house: House) -> None:
    async with pair(house) as (anna, ben), ben.serve(ADD, added):
        answers = await asyncio.gather(*(anna.ask(ADD, Sum(a=n, b=n)) for n in range(50)))
        assert [answer.total for answer in answers] == [2 * n for n in range(50)]
        assert anna.pending == 0


async def test_the_deadline_of_a_question_is_told_to_its_server(house: House) -> None:
    told: list[float | None] = []

    async def tell(delivery: Delivery[Sum]) -> Total:
        told.append(delivery.deadline_s)
        return Total()

    async with pair(house) as (anna, ben), ben.serve(ADD, tell):
        await anna.ask(ADD, Sum(), deadline_s=3)
    assert told[0] is not None
    assert 2 < told[0] <= 3


async def test_without_an_answer_in_time_there_is_a_deadline_error(house: House) -> None:
    async with pair(house) as (anna, ben), stuck(ben, ADD):
        began, start = monotonic(), Stopwatch()
        with pytest.raises(DeadlineError) as raised:
            await anna.ask(ADD, Sum(), deadline_s=0.3)
        assert monotonic() - began > 0.25
        assert start.seconds < 1.5
        assert raised.value.fields["command"] == ADD.pattern
        assert anna.pending == 0
        # The handler is stopped too: its asker is gone.
        await until(lambda: ben.busy == 0)


async def test_nobody_serving_is_known_at_once(house: House) -> None:
    anna = await house.join()
    start = Stopwatch()
    with pytest.raises(NoResponderError):
        await anna.ask(ADD, Sum(), deadline_s=10)
    assert start.seconds < 1
    assert anna.pending == 0


async def test_an_error_is_raised_at_the_asker_as_its_class_with_its_fields(house: House) -> None:
    async def fail(_: Delivery[Sum]) -> Total:
        raise AudioLostError("Some of it is gone.", missing=3, parts=["a", "b"])

    async with pair(house) as (anna, ben), ben.serve(ADD, fail):
        with pytest.raises(AudioLostError) as raised:
            await anna.ask(ADD, Sum())
        assert raised.value.message == "Some of it is gone."
        assert raised.value.fields == {"missing": 3, "parts": ["a", "b"]}
        assert raised.value.retryable
        assert ben.errors == {AudioLostError.code: 1}


@pytest.mark.parametrize("broken", [KeyError("secret"), TimeoutError("mine")])
async def test_an_unforeseen_failure_is_reported_here_and_only_named_there(
    house: House, broken: Exception
) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    async def fail(_: Delivery[Sum]) -> Total:
        raise broken

    async with pair(house) as (anna, ben), ben.serve(ADD, fail):
        with pytest.raises(InternalError) as raised:
            await anna.ask(ADD, Sum())
        assert "secret" not in str(raised.value)
        assert [context["exception"] for context in reported] == [broken]


async def test_an_answer_that_can_not_be_read_is_an_error_and_not_a_wait(house: House) -> None:
    async with pair(house) as (anna, ben):

        async def answer(payload: bytes, error: str | None) -> None:
            await until(lambda: anna._asking.pending)
            [correlation] = anna._asking.pending
            reply = Packet(anna._identity.inbox, payload, 1, correlation=correlation, error=error)
            await ben._transport.publish(reply)

        for payload, error in ((b"[", None), (b"[", "voice.no_speech"), (b"7", "bus")):
            async with stuck(ben, ONCE):
                asking = asyncio.create_task(anna.ask(ONCE, Sum()))
                await answer(payload, error)
                with pytest.raises(MalformedMessageError):
                    await asking


async def test_a_shared_command_is_carried_out_once_by_one_of_the_instances(house: House) -> None:
    anna = await house.join()
    done: dict[str, list[int]] = {}

    def by(name: str) -> Handler:
        async def handler(delivery: Delivery[Sum]) -> Total:
            done.setdefault(name, []).append(delivery.message.a)
            return Total(by=name)

        return handler

    async with AsyncExitStack() as stack:
        for name in ("ben-1", "ben-2", "ben-3"):
            ben = await house.join("ben", instance=name)
            await stack.enter_async_context(ben.serve(ADD, by(name), concurrency=8))
        await asyncio.gather(*(anna.ask(ADD, Sum(a=number)) for number in range(60)))
    assert sorted(number for numbers in done.values() for number in numbers) == list(range(60))
    assert set(done) == {"ben-1", "ben-2", "ben-3"}


async def test_more_than_can_wait_is_answered_overloaded_at_once(house: House) -> None:
    gate = asyncio.Event()

    async def slow(delivery: Delivery[Sum]) -> Total:
        await gate.wait()
        return Total(total=delivery.message.a)

    async with pair(house) as (anna, ben), ben.serve(ADD, slow, concurrency=2, backlog=3):
        asked = [asyncio.create_task(anna.ask(ADD, Sum(a=n))) for n in range(5)]
        await until(lambda: ben.busy == 5)
        start = Stopwatch()
        for _ in range(10):
            with pytest.raises(OverloadedError):
                await anna.ask(ADD, Sum())
        assert start.seconds < 2
        gate.set()
        answers = await asyncio.gather(*asked)
        assert sorted(answer.total for answer in answers) == [0, 1, 2, 3, 4]


async def test_a_late_command_is_dropped(house: House) -> None:
    gate = asyncio.Event()
    done: list[int] = []

    async def slow(delivery: Delivery[Sum]) -> Total:
        done.append(delivery.message.a)
        await gate.wait()
        return Total()

    async with pair(house) as (anna, ben), ben.serve(ADD, slow):
        first = asyncio.create_task(anna.ask(ADD, Sum(a=1)))
        await until(lambda: done)
        with pytest.raises(DeadlineError):
            await anna.ask(ADD, Sum(a=2), deadline_s=0.1)
        gate.set()
        await first
        await anna.ask(ADD, Sum(a=3))
        assert done == [1, 3]
        assert ben.errors == {DeadlineError.code: 1}


async def test_a_command_is_carried_out_within_its_concurrency(house: House) -> None:
    at_once = most = 0

    async def counted(_: Delivery[Sum]) -> Total:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return Total()

    async with pair(house) as (anna, ben), ben.serve(ADD, counted, concurrency=3):
        await asyncio.gather(*(anna.ask(ADD, Sum()) for _ in range(30)))
    assert most <= 3


# ---- twice ---------------------------------------------------------------------------------------


async def test_an_event_that_comes_twice_is_handled_once(house: House) -> None:
    async with pair(house) as (anna, ben), ben.hear(NOTED) as hearing:
        for number in (1, 1, 2):
            packet = anna._identity.packet(NOTED, Note(number=number))
            packet.id = f"id-{number}"
            await anna._transport.publish(packet)
        assert numbers(await take(hearing, 2)) == [1, 2]


async def test_a_question_that_is_asked_again_is_answered_again_and_done_once(house: House) -> None:
    done: list[int] = []

    async def count(delivery: Delivery[Sum]) -> Total:
        done.append(delivery.message.a)
        return Total(total=len(done))

    async with pair(house) as (anna, ben), ben.serve(ADD, count), ben.serve(ONCE, count):
        assert (await anna.ask(ADD, Sum(a=1), ask_id="same")).total == 1
        assert (await anna.ask(ADD, Sum(a=1), ask_id="same")).total == 1
        assert (await anna.ask(ADD, Sum(a=2), ask_id="other")).total == 2
        # Another command is another question, whatever its id.
        assert (await anna.ask(ONCE, Sum(a=3), ask_id="same")).total == 3
    assert done == [1, 2, 3]


async def test_a_question_asked_again_while_it_is_worked_on_gets_the_same_answer(
    house: House,
) -> None:
    gate = asyncio.Event()
    done = 0

    async def slow(_: Delivery[Sum]) -> Total:
        nonlocal done
        done += 1
        await gate.wait()
        return Total(total=done)

    async with pair(house) as (anna, ben), ben.serve(ADD, slow):
        asked = [asyncio.create_task(anna.ask(ADD, Sum(), ask_id="same")) for _ in range(3)]
        await until(lambda: len(ben._tasks) == 3)
        gate.set()
        assert [answer.total for answer in await asyncio.gather(*asked)] == [1, 1, 1]


async def test_an_error_is_not_remembered(house: House) -> None:
    tries = 0

    async def second_time(_: Delivery[Sum]) -> Total:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise AudioLostError
        return Total(total=tries)

    async with pair(house) as (anna, ben), ben.serve(ADD, second_time):
        with pytest.raises(AudioLostError):
            await anna.ask(ADD, Sum(), ask_id="same")
        assert (await anna.ask(ADD, Sum(), ask_id="same")).total == 2


# ---- what can't be read or is not declared -------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "where"),
    [(b"{nonsense", "hall"), (b'{"room": "attic"}', "hall"), (b"\xff\xfe", "hall"), (b"", "hall")],
    ids=["not JSON", "another place", "not UTF-8", "empty"],
)
async def test_what_can_not_be_read_goes_to_the_dead_letters(
    house: House, payload: bytes, where: str
) -> None:
    async with (
        pair(house) as (anna, ben),
        ben.hear(NOTED) as hearing,
        anna.hear(DEAD_LETTER) as dead,
    ):
        topic = f"test/noted/{where}"
        await anna._transport.publish(Packet(rooted(anna, topic), payload, 1, sender="anna/x"))
        await anna.say(NOTED, Note(number=2))
        assert numbers(await take(hearing, 1)) == [2]
        [letter] = await take(dead, 1)
        assert (letter.service, letter.instance) == ("ben", ben.instance)
        assert (letter.topic, letter.sender) == (topic, "anna/x")
        assert letter.code == MalformedMessageError.code
        assert letter.size_bytes == len(payload)
        assert ben.errors[MalformedMessageError.code] == 1


async def test_a_question_that_can_not_be_read_is_a_dead_letter_and_an_error(house: House) -> None:
    async with (
        pair(house) as (anna, ben),
        ben.serve(ADD, added),
        anna.hear(DEAD_LETTER) as dead,
        anna.hear(NOTED),
    ):

        class Other(Sum):
            def encode(self) -> bytes:
                return b'{"a": "many"}'

        with pytest.raises(MalformedMessageError):
            await anna.ask(ADD, Other())
        assert (await take(dead, 1))[0].topic == ADD.pattern


async def test_what_is_not_declared_is_refused(house: House) -> None:
    anna = await house.join(declaration=Declaration())
    with pytest.raises(UndeclaredTopicError):
        await anna.say(NOTED, Note())
    with pytest.raises(UndeclaredTopicError):
        await anna.ask(ADD, Sum())
    with pytest.raises(UndeclaredTopicError):
        async with anna.hear(NOTED):
            pass
    with pytest.raises(UndeclaredTopicError):
        async with anna.serve(ADD, added):
            pass


async def test_a_place_that_the_topic_does_not_have_is_refused(house: House) -> None:
    anna = await house.join()
    with pytest.raises(UndeclaredTopicError):
        async with anna.hear(NOTED, rome="hall"):
            pass


@pytest.mark.parametrize("room", ["a/b", "+", "#", "", "a\0"])
async def test_a_place_that_is_no_level_of_a_topic_is_refused(house: House, room: str) -> None:
    anna = await house.join()
    with pytest.raises(MalformedMessageError):
        await anna.say(NOTED, Note(room=room))
    with pytest.raises(MalformedMessageError):
        async with anna.hear(NOTED, room=room):
            pass


async def test_what_is_too_large_is_refused_and_the_bus_goes_on(house: House) -> None:
    async with pair(house) as (anna, ben), ben.hear(NOTED) as hearing:
        for topic in (NOTED, SOUND):
            with pytest.raises(MalformedMessageError):
                await anna.say(topic, Note(text="x" * 2_000_000))
        large = Note(number=1, text="x" * 1_900_000)
        await anna.say(NOTED, large)
        assert await take(hearing, 1) == [large]


async def test_an_answer_that_is_too_large_becomes_an_error(house: House) -> None:
    async def much(_: Delivery[Sum]) -> Total:
        return Total(text="x" * 2_000_000)

    async with pair(house) as (anna, ben), ben.serve(ADD, much):
        with pytest.raises(MalformedMessageError):
            await anna.ask(ADD, Sum())


# ---- access --------------------------------------------------------------------------------------


async def test_saying_what_the_access_rules_forbid_is_refused(house: House) -> None:
    guest = await house.join("guest", declaration=Declaration(says=ALL.says))
    with pytest.raises(RefusedError) as raised:
        await guest.say(NOTED, Note(room="hall"))
    assert raised.value.fields["identity"] == "guest"
    await guest.say(NOTED, Note(room="guest"))


async def test_what_the_access_rules_forbid_is_not_delivered(house: House) -> None:
    anna = await house.join()
    guest = await house.join("guest", declaration=Declaration(hears=ALL.hears))
    async with guest.hear(NOTED) as noted, guest.hear(LEVEL) as level:
        await anna.say(NOTED, Note(number=1))
        await anna.say(LEVEL, Note(number=2))
        assert numbers(await take(level, 1)) == [2]
        assert not noted._hearer.queue


async def test_an_answer_that_may_not_be_given_is_counted(house: House) -> None:
    anna = await house.join()
    guest = await house.join("guest")
    packet = anna._identity.packet(ADD, Sum())
    packet.response_topic = rooted(anna, "test/forbidden")
    packet.correlation = b"1"
    async with guest.serve(ADD, added):
        guest._receive(packet, lambda: None)
        await until(lambda: guest.errors["bus.reply_lost"] == 1)


async def test_an_unknown_identity_is_not_let_in(house: House) -> None:
    with pytest.raises(UnauthenticatedError):
        await house.join("nobody")


# ---- leaving, cancelling, dying ------------------------------------------------------------------


async def test_cancelling_leaves_no_question_and_no_subscription(house: House) -> None:
    async with pair(house) as (anna, ben), stuck(ben, ADD):
        asking = asyncio.create_task(anna.ask(ADD, Sum()))

        async def hear() -> None:
            async with anna.hear(NOTED) as hearing:
                await anext(hearing)

        hearing = asyncio.create_task(hear())
        await until(lambda: ben.busy and anna._routing.hearers and anna.pending)
        for task in (asking, hearing):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert anna.pending == 0
        assert not anna._routing.hearers
        assert set(anna._subscribed) == {(anna._identity.inbox, None)}


async def test_cancelling_who_waits_for_a_message_loses_none(house: House) -> None:
    async with pair(house) as (anna, ben), ben.hear(NOTED) as hearing:
        heard: list[int] = []
        patience = 0
        saying = asyncio.create_task(say_many(anna, 300))
        async with asyncio.timeout(PATIENCE_S):
            while len(heard) < 300:
                waiting = asyncio.ensure_future(anext(hearing))
                patience = (patience + 1) % 5
                for _ in range(patience):
                    await asyncio.sleep(0)
                waiting.cancel()
                try:
                    heard.append((await waiting).message.number)
                except asyncio.CancelledError:
                    await asyncio.sleep(0)
        await saying
        assert heard == list(range(300))


async def say_many(bus: Bus, count: int) -> None:
    for number in range(count):
        await bus.say(NOTED, Note(number=number))


async def test_leaving_a_served_command_finishes_what_is_in_hand_and_takes_no_more(
    house: House,
) -> None:
    gate = asyncio.Event()

    async def slow(_: Delivery[Sum]) -> Total:
        await gate.wait()
        return Total(total=1)

    async with pair(house) as (anna, ben):
        leave = asyncio.Event()

        async def serve() -> None:
            async with ben.serve(ADD, slow):
                await leave.wait()

        serving = asyncio.create_task(serve())
        await until(lambda: ben._routing.servers)
        asked = asyncio.create_task(ask_until_taken(anna))
        await until(lambda: ben.busy)
        leave.set()

        async def refused() -> bool:
            try:
                await anna.ask(ADD, Sum(), deadline_s=0.2)
            except NoResponderError:
                return True
            except DeadlineError:
                return False
            return False

        async with asyncio.timeout(PATIENCE_S):
            while not await refused():
                pass
        assert not serving.done()
        gate.set()
        assert (await asked).total == 1
        await serving


async def ask_until_taken(bus: Bus) -> Total:
    while True:
        try:
            return await bus.ask(ADD, Sum())
        except NoResponderError:
            await asyncio.sleep(0)


async def test_stopping_a_server_in_the_middle_tells_all_its_askers(house: House) -> None:
    async with pair(house) as (anna, ben):
        async with stuck(ben, ADD, ONCE):
            asked = [
                asyncio.create_task(anna.ask(command, Sum(), ask_id=name, deadline_s=10))
                # The second is the first, asked again.
                for command, name in ((ADD, "a"), (ADD, "a"), (ADD, "waiting"), (ONCE, "b"))
            ]
            await until(lambda: len(ben._tasks) == 4)
        for asking in asked:
            with pytest.raises(ResponderLostError):
                await asking
        assert not ben._routing.servers
        assert ben.busy == 0


async def test_a_lost_server_is_an_error_at_the_asker_at_once(house: House) -> None:
    async with pair(house) as (anna, ben), stuck(ben, ADD):
        asking = asyncio.create_task(anna.ask(ADD, Sum(), deadline_s=30))
        await until(lambda: ben.busy)
        anna.lose({"something else"})
        anna.lose({ADD.pattern})
        with pytest.raises(ResponderLostError):
            await asking
        assert anna.pending == 0


async def test_who_dies_is_said_to_be_lost(house: House) -> None:
    anna = await house.join()
    will = Note(room="ben", text="lost")
    async with anna.hear(PRESENT) as hearing, house.victim(will) as kill:
        assert (await take(hearing, 1))[0].text == "here"
        asking = asyncio.create_task(anna.ask(ONCE, Sum(), deadline_s=30))
        await until(
            lambda: anna._asking.pending and all(q.taken for q in anna._asking.pending.values())
        )
        kill()
        assert await take(hearing, 1) == [will]
        # The will is retained, for those who come later.
        async with anna.hear(PRESENT, room="ben") as late:
            assert await take(late, 1) == [will]
        anna.lose({ONCE.pattern})
        with pytest.raises(ResponderLostError):
            await asking
        with pytest.raises(NoResponderError):
            await anna.ask(ONCE, Sum())


async def test_who_leaves_in_order_is_not_said_to_be_lost(house: House) -> None:
    anna = await house.join()
    will = Note(room="ben", text="lost")
    async with anna.hear(PRESENT) as hearing:
        for _ in range(5):
            async with house.client("ben", will=will) as ben, ben.hear(NOTED):
                # Some of it unread when it leaves.
                await asyncio.gather(*(anna.say(NOTED, Note(number=n)) for n in range(50)))
        await anna.say(PRESENT, replaced(will, text="mark"))
        assert (await take(hearing, 1))[0].text == "mark"


async def test_what_is_asked_or_said_of_a_bus_that_is_left_ends(house: House) -> None:
    ben = await house.join("ben")
    bus = house.client()
    async with stuck(ben, ADD):
        async with bus:
            asking = asyncio.create_task(bus.ask(ADD, Sum(), deadline_s=30))
            await until(lambda: ben.busy)
        with pytest.raises(NotConnectedError):
            await asking
    with pytest.raises(NotConnectedError):
        await bus.say(NOTED, Note())
    with pytest.raises(NotConnectedError):
        async with bus.hear(NOTED):
            pass
    assert not bus.connected


async def test_ids_are_never_given_twice(house: House) -> None:
    anna = await house.join()
    ids = [anna.new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(a != b for a, b in pairwise(ids))
