"""PINs: kept as a slow hash, compared in constant time, and guessed only a few times.

A PIN has 4 to 12 digits, so its hash alone protects nothing: whoever has the file finds it. What
protects it is that few guesses are taken, over all satellites and restarts together.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from alicia.errors import InvalidValueError, PinLockedError, SetupError
from alicia.security.files import write_private

SHORTEST, LONGEST = 4, 12
FREE_TRIES = 3
"""Wrong PINs in a row before none is taken for a while."""
LOCKED_S = 60.0
"""How long, after the last free try; each further wrong one doubles it."""
LONGEST_LOCK_S = 24 * 3600.0

# 16 MB and about 50 ms: OWASP's least for scrypt is more, and a satellite's answer has to wait for
# it. The count of tries protects, see above.
_N, _R, _P = 2**14, 8, 1
_FORM = re.compile(r"scrypt\$(\d+)\$(\d+)\$(\d+)\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")
_UP = "01234567890123456789"


def require_good(pin: str) -> None:
    """Raises InvalidValueError for what is no PIN, or the first that anybody would try."""
    if not (pin.isascii() and pin.isdigit() and SHORTEST <= len(pin) <= LONGEST):
        raise InvalidValueError(f"A PIN has {SHORTEST} to {LONGEST} digits.")
    if len(set(pin)) == 1 or pin in _UP or pin in _UP[::-1]:
        raise InvalidValueError("That PIN is too easy to guess: one digit, or all in a row.")


def hash_pin(pin: str) -> str:
    """What is kept of it. Raises InvalidValueError. Blocking: about 50 ms."""
    require_good(pin)
    salt = os.urandom(16)
    made = base64.b64encode(_stretched(pin, salt, _N, _R, _P)).decode()
    return f"scrypt${_N}${_R}${_P}${base64.b64encode(salt).decode()}${made}"


def is_pin(pin: str, kept: str) -> bool:
    """Whether this is the PIN that the hash was made of. Blocking. Raises SetupError."""
    found = _FORM.fullmatch(kept)
    if found is None:
        raise SetupError("The hash of a PIN is damaged. `alicia people pin NAME` sets a new one.")
    n, r, p = (int(number) for number in found.groups()[:3])
    salt, made = (base64.b64decode(text) for text in found.groups()[3:])
    try:
        return hmac.compare_digest(_stretched(pin, salt, n, r, p), made)
    except ValueError as error:
        raise SetupError(
            "The hash of a PIN is damaged. `alicia people pin NAME` sets a new one."
        ) from error


def _stretched(pin: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=n, r=r, p=p, dklen=32, maxmem=64 * 2**20)


@dataclass(frozen=True, slots=True)
class Tries:
    wrong: int = 0
    """In a row."""
    last_at: float = 0.0
    """Seconds since the epoch."""


class Attempts:
    """How often a wrong PIN was given, by person; kept in a file. Blocking."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Raises SetupError where the file is damaged: it is left as it is."""
        self._path = path
        self._clock = clock
        self._known = self._read()

    def begin(self, whose: str) -> None:
        """Counts a try as wrong before it is looked at, so that a crash gives none away.

        Raises PinLockedError where no try is free, SetupError where it can't be written down.
        """
        tries = self._known.get(whose, Tries())
        left = self._locked_s(tries)
        if left > 0:
            raise PinLockedError(seconds=math.ceil(left))
        self._put(whose, Tries(tries.wrong + 1, self._clock()))

    def was_right(self, whose: str) -> None:
        """The one that was begun last was right: all are free again. Raises SetupError."""
        self._put(whose, Tries())

    def _locked_s(self, tries: Tries) -> float:
        over = tries.wrong - FREE_TRIES
        if over < 0:
            return 0.0
        for_s = min(LONGEST_LOCK_S, LOCKED_S * 2.0 ** min(over, 20))
        # A clock that was set back must not lock for longer than from now on.
        return min(for_s, tries.last_at + for_s - self._clock())

    def _put(self, whose: str, tries: Tries) -> None:
        known = {**self._known, whose: tries}
        text = json.dumps({key: asdict(one) for key, one in known.items() if one.wrong})
        write_private(self._path, text.encode())
        self._known = known

    def _read(self) -> dict[str, Tries]:
        try:
            entries = json.loads(self._path.read_text("utf-8"))
            return {str(key): Tries(**one) for key, one in entries.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise SetupError(
                "The count of wrong PINs can't be read, so no PIN is taken. Delete the file to"
                " start again.",
                file=str(self._path),
            ) from error
