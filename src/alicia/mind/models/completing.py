"""Completing: a text put to a model with instructions, without the home and without tools."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass

from alicia.errors import GarbledError, PrivateTextError
from alicia.mind.models.chain import Chain
from alicia.mind.models.port import Asked, ChatMessage, TextDelta
from alicia.mind.models.redaction import redacted


@dataclass(slots=True)
class Completed:
    provider: str = ""
    text: str = ""


async def complete(
    chain: Chain, instructions: str, text: str, *, max_tokens: int, within_s: float
) -> Completed:
    """What the model makes of the text.

    Raises UpstreamError; PrivateTextError where a part would be left out of what is sent, so that
    the answer would be about another text.
    """
    if redacted(text) != text:
        raise PrivateTextError
    messages = [ChatMessage("system", instructions), ChatMessage("user", text)]
    said = Completed()
    parts = chain.complete(messages, (), max_tokens=max_tokens, within_s=within_s)
    async with aclosing(parts):
        async for part in parts:
            match part:
                case TextDelta():
                    said.text += part.text
                case Asked():
                    said = Completed(part.provider)
                case _:
                    continue
    if not said.text.strip():
        raise GarbledError(provider=said.provider, reason="nothing was said")
    return said
