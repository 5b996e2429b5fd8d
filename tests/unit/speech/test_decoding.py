import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from alicia.speech.decoding import DecodeQueue


class Engine:
    """Answers with the question in capitals, a batch at a time, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = threading.Semaphore(0)
        self.second = threading.Event()

    def __call__(self, questions: Sequence[str]) -> list[str]:
        self.batches.append(list(questions))
        if len(self.batches) == 2:
            self.second.set()
        assert self.go.acquire(timeout=10)
        if "fail" in questions:
            raise RuntimeError("failed")
        return [question.upper() for question in questions]


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as one:
        yield one


async def _queued() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_is_waited_for_goes_first_and_together(executor: ThreadPoolExecutor) -> None:
    engine = Engine()
    queue = DecodeQueue(engine, executor)
    asked = [asyncio.create_task(queue.ask("a"))]
    await _queued()
    assert queue.busy
    asked += [asyncio.create_task(queue.ask(text)) for text in "bc"]
    asked += [asyncio.create_task(queue.ask(text, urgent=True)) for text in "de"]
    await _queued()
    engine.go.release(10)
    assert await asyncio.gather(*asked) == ["A", "B", "C", "D", "E"]
    assert engine.batches == [["a"], ["d", "e"], ["b"], ["c"]]
    await _queued()
    assert not queue.busy


async def test_several_workers_work_at_once() -> None:
    engine = Engine()
    with ThreadPoolExecutor(2) as two:
        queue = DecodeQueue(engine, two, batch=1, workers=2)
        asked = [asyncio.create_task(queue.ask(text, urgent=True)) for text in "abc"]
        await _queued()
        # Neither of the two has been let go: both stand in the engine.
        assert await asyncio.to_thread(engine.second.wait, 10)
        engine.go.release(3)
        assert await asyncio.gather(*asked) == ["A", "B", "C"]
        # Who asks right after the last answer is answered too.
        engine.go.release(1)
        assert await queue.ask("d") == "D"


async def test_a_batch_has_a_limit(executor: ThreadPoolExecutor) -> None:
    engine = Engine()
    engine.go.release(10)
    queue = DecodeQueue(engine, executor, batch=2)
    await asyncio.gather(*(queue.ask(text, urgent=True) for text in "abcde"))
    assert [len(batch) for batch in engine.batches] == [2, 2, 1]


async def test_who_leaves_the_queue_costs_nothing(executor: ThreadPoolExecutor) -> None:
    engine = Engine()
    queue = DecodeQueue(engine, executor)
    first = asyncio.create_task(queue.ask("a"))
    await _queued()
    leaving = asyncio.create_task(queue.ask("b"))
    staying = asyncio.create_task(queue.ask("c"))
    await _queued()
    leaving.cancel()
    engine.go.release(10)
    assert await asyncio.gather(first, staying) == ["A", "C"]
    assert engine.batches == [["a"], ["c"]]


async def test_a_failure_is_told_and_the_next_is_served(executor: ThreadPoolExecutor) -> None:
    engine = Engine()
    engine.go.release(10)
    queue = DecodeQueue(engine, executor)
    with pytest.raises(RuntimeError, match="failed"):
        await queue.ask("fail")
    assert await queue.ask("a") == "A"


async def test_closing_answers_nobody(executor: ThreadPoolExecutor) -> None:
    engine = Engine()
    queue = DecodeQueue(engine, executor)
    asked = [asyncio.create_task(queue.ask(text)) for text in "ab"]
    await _queued()
    await queue.aclose()
    engine.go.release(10)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, asyncio.CancelledError) for answer in answers)
