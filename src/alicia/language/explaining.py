"""Explaining: "why did you do that?" in nine languages, answered from what really happened.

heard -> understood as -> done -> confirmed by each device, or not
"""

from __future__ import annotations

from alicia.contracts.devices import OutcomeKind
from alicia.contracts.voice import TurnRecord
from alicia.language.phrases import ended, text_of, word
from alicia.language.stopping import Sentences

is_why = Sentences(
    {
        "en": "why|why that|why did you do that|why did you do this|why did you do it|"
        "what did you do|what did you just do|what was that|explain that|explain yourself|"
        "what did you hear|what did you understand",
        "de": "warum|warum das|warum hast du das gemacht|wieso hast du das gemacht|wieso|"
        "was hast du gemacht|was hast du gerade gemacht|was war das|erkläre das|erklär das|"
        "was hast du verstanden|was hast du gehört",
        "es": "por qué|por qué eso|por qué has hecho eso|por qué hiciste eso|por qué lo hiciste|"
        "qué has hecho|qué hiciste|qué ha sido eso|qué fue eso|explícate|explica eso|"
        "qué has entendido|qué has oído",
        "fr": "pourquoi|pourquoi ça|pourquoi as tu fait ça|pourquoi tu as fait ça|"
        "pourquoi tu fais ça|qu'as tu fait|qu'est ce que tu as fait|tu as fait quoi|"
        "c'était quoi|explique ça|explique toi|"
        "qu'as tu compris|qu'est ce que tu as compris|qu'as tu entendu",
        "it": "perché|perché questo|perché l'hai fatto|perché hai fatto questo|perché lo hai fatto|"
        "cosa hai fatto|che cosa hai fatto|che hai fatto|cos'era|spiegati|spiega|"
        "cosa hai capito|cosa hai sentito",
        "pt": "por quê|por que|por que isso|por que você fez isso|por que fez isso|o que você fez|"
        "o que foi isso|explique|explique isso|o que você entendeu|"
        "o que você ouviu",
        "zh": "为什么|为什么这样|你为什么这么做|你为什么这样做|为什么这么做|你做了什么|"
        "你刚才做了什么|刚才怎么了|解释一下|你听到了什么|你听懂了什么",
        "ja": "なぜ|なんで|どうして|なぜそうしたの|なんでそうしたの|どうしてそうしたの|"
        "何をしたの|今何をしたの|今のは何|説明して|何て聞こえた|何と聞こえた",
        "ko": "왜|왜 그랬어|왜 그렇게 했어|왜 그런 거야|뭐 했어|방금 뭐 했어|뭘 한 거야|설명해 줘|"
        "설명해줘|뭐라고 들었어|뭘 들었어",
    }
)
"""Whether this is all that was said: why, or what was it."""


def explain(record: TurnRecord | None, language: str) -> str:
    """What became of a turn and why, in one to four sentences. Raises UnsupportedLanguageError."""
    if record is None:
        return word("explain.nothing", language)
    told = [
        word("explain.heard", language, text=ended(record.transcript, language))
        if record.transcript
        else word("explain.unheard", language)
    ]
    if record.heard and record.transcript and not _same(record.heard, record.transcript):
        told.append(word("explain.taken", language, text=ended(record.heard, language)))
    if record.reply:
        told.append(word("explain.said", language, text=ended(record.reply, language)))
    done = [a for a in record.actions if a.outcome is OutcomeKind.CONFIRMED]
    if record.actions:
        key = "explain.confirmed" if len(done) == len(record.actions) else "explain.partly"
        told.append(word(key, language, done=str(len(done)), all=str(len(record.actions))))
    elif record.error is None:
        told.append(word("explain.unmoved", language))
    return text_of(told, language)


def _same(one: str, other: str) -> bool:
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
