"""Trying a persona: some of Alicia's own replies, and how somebody says them."""

from __future__ import annotations

from alicia.contracts.personas import PersonaSample, ReplyKind
from alicia.language.phrases import phrase
from alicia.mind.casting import Answerer

_SAID = {
    ReplyKind.HELLO: "answer.hello",
    ReplyKind.OKAY: "answer.okay",
    ReplyKind.DONE: "answer.done",
    ReplyKind.FAILED: "device.unconfirmed",
    ReplyKind.ANSWER: "answer.unknown",
    ReplyKind.ERROR: "voice.unclear",
}
"""A phrase of each kind."""


def samples(
    answerer: Answerer, language: str, text: str | None, kind: ReplyKind
) -> list[PersonaSample]:
    """How it says this text, which tells what `kind` says; without one, a phrase of each kind.

    Raises UnsupportedLanguageError.
    """
    given = {kind: text} if text is not None else _SAID
    plain = {
        kind: said if text is not None else phrase(said, language) for kind, said in given.items()
    }
    return [
        PersonaSample(kind=kind, plain=said, text=answerer.say(said, kind, language))
        for kind, said in plain.items()
    ]
