"""What a room keeps for the command lane: its recognizer, and the sentences that it listens for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from alicia.errors import AliciaError, DependencyMissingError
from alicia.speech.lane import Allowed
from alicia.speech.recognizer import Streams
from alicia.speech.sphinx import SphinxGrammarRecognizer

_AGAIN_S = 3.0
"""After which it is asked again, where nobody has told the sentences."""


@dataclass(frozen=True, slots=True)
class Sayable:
    """What a home can be told; `#` stands for a number."""

    sentences: Sequence[str]
    others: Sequence[str]
    """Known to be told apart, and never given."""
    revision: int


class CommandLane:
    """Loaded once somebody has told what can be said; until then there is no lane."""

    def __init__(self, ask: Callable[[], Awaitable[Sayable]]) -> None:
        """Raises DependencyMissingError: its recognizer is not installed."""
        if find_spec("pocketsphinx") is None:
            raise DependencyMissingError(
                "The command lane is not installed. Run: pip install 'alicia[grammar]'",
                package="pocketsphinx",
            )
        self._ask = ask
        self._changed = asyncio.Event()
        self._changed.set()
        self._revision: int | None = None
        self._recognizer: SphinxGrammarRecognizer | None = None
        self.streams: Streams | None = None
        """Listens for them; None while they are not known."""

    def note(self, revision: int | None) -> None:
        """What can be said now: where that is something else, it is asked for."""
        if revision is not None and revision != self._revision:
            self._changed.set()

    async def follow(self, told: Callable[[int, AliciaError | None], None]) -> None:
        """Ask for the sentences whenever they have changed, until it is cancelled.

        `told` hears how many there are now, or why there are no others yet.
        """
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                told(await self._take(await self._ask()), None)
            except AliciaError as error:
                told(0, error)
                await asyncio.sleep(_AGAIN_S)
                self._changed.set()

    async def _take(self, sayable: Sayable) -> int:
        every = [*sayable.sentences, *sayable.others]
        if self._recognizer is None:
            self._recognizer = await SphinxGrammarRecognizer.load(every)
        else:
            await self._recognizer.use(every)
        self.streams = Allowed(self._recognizer, sayable.sentences)
        self._revision = sayable.revision
        return self._recognizer.sentences

    async def aclose(self) -> None:
        if self._recognizer is not None:
            await self._recognizer.aclose()
