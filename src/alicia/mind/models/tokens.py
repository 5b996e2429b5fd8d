"""How many tokens a text may be, before any server has counted them.

Every model has its own tokenizer, so this is a bound and no count: by kinds of characters, a fifth
more than o200k counts for the demo home in nine languages (ADR 0082). What a server reports is what
is paid for.
"""

from __future__ import annotations

import re

_PIECE = re.compile(r"[A-Za-z]+|[0-9]+|[^\S\n]+|\n+|[^\x00-\x7f]|[!-/:-@\[-`{-~]+|.", re.DOTALL)
_LETTERS = 5
"""Latin letters of a word that share a token, or more of them."""
_DIGITS = 3
_SIGNS = 2
"""JSON's brackets and quotes, which come in company."""


def at_most(text: str) -> int:
    """A number of tokens that the text hardly exceeds."""
    return sum(map(_tokens, _PIECE.findall(text)))


def _tokens(piece: str) -> int:
    if piece.isspace():
        # One space belongs to the word after it.
        return 0 if piece == " " else 1
    if not piece.isascii():
        return 1
    if piece.isalpha():
        return -(-len(piece) // _LETTERS)
    return -(-len(piece) // (_DIGITS if piece.isdigit() else _SIGNS))
