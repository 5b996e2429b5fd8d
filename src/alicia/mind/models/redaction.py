"""Redaction: secrets, PINs, card and account numbers, e-mail and phone numbers stay in this home.

By patterns, so it errs to both sides: a long number may go that is harmless, and a secret told in
words stays in. It is the last gate, not the first: what is not needed is not sent at all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from alicia.mind.models.port import ChatMessage

_TOLD = (  # words that announce a secret, in the nine languages
    r"(?P<kept>(?<!\w)(?:pin|passcode|password|passwort|kennwort|passphrase|geheimzahl|secret|"
    "token|api.?key|contraseña|clave|código|mot de passe|code|parola d'ordine|codice|senha|"
    "palavra-passe|密码|口令|暗証番号|パスワード|비밀번호|암호)"
)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("key", re.compile(r"\b(?:sk|xai|ghp|gho|pk|rk|xox[abp])[-_][A-Za-z0-9_-]{12,}")),
    ("key", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?")),
    ("key", re.compile(r"\b(?=[A-Za-z+/]*\d)(?=[\d+/]*[A-Za-z])[A-Za-z0-9+/]{32,}=*")),
    ("e-mail", re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")),
    ("account", re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}(?:[ ]?[A-Z0-9]{1,3})?\b")),
    ("card", re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")),
    # "My PIN for the alarm is 12 34", and "password: hunter2".
    ("secret", _pattern(_TOLD + r"[^\d.!?\n]{0,40}?)(?P<gone>(?:\d[\s.-]?){2,}\d)")),
    ("secret", _pattern(_TOLD + r"(?:\s(?:is|ist|es|est|è|é)\s|\s?[:=])\s*)(?P<gone>\S+)")),
    (
        "phone",
        re.compile(
            r"(?<![\w.#-])(?!\d{4}-\d\d-\d\d)(?:\+|00?)?\(?\d(?:[\s()/.-]{0,2}\d){6,14}(?![\w-])"
        ),
    ),
)


def redacted(text: str) -> str:
    """The text with `[e-mail]`, `[phone]`, … in place of what is nobody else's business."""
    for name, pattern in _RULES:
        before = ""
        while text != before:  # what announces one secret may announce the next: "PINs: 1234, 5678"
            before = text
            text = pattern.sub(lambda found, name=name: _in_place(found, name), text)
    return text


def _in_place(found: re.Match[str], name: str) -> str:
    return found.groupdict().get("kept", "") + f"[{name}]"


def redacted_message(message: ChatMessage) -> ChatMessage:
    """Calls are the model's own words, and stay."""
    return replace(message, text=redacted(message.text))
