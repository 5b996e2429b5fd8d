"""Who may open the page of this home: a code that counts once, and then a token for that browser.

The folder (0700) holds the code that is out, and hashes of the tokens; no password exists.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from alicia.security.files import private_folder, write_private

CODE_S = 600.0
"""How long a code counts."""
TOKEN_S = 90 * 86_400.0
TRIES = 5
"""Wrong codes before the one that is out counts no more: 32^8 can't be guessed in five."""
# Without those that are mistaken for each other.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # pragma: allowlist secret
_MOST = 64


@dataclass(frozen=True)
class Visitors:
    """The visitors' book of a home."""

    folder: Path

    @property
    def _code_file(self) -> Path:
        return self.folder / "code.json"

    @property
    def _tokens_file(self) -> Path:
        return self.folder / "tokens.json"

    def invite(self, now: float | None = None) -> str:
        """A new code, such as `7KQ2-M9XA`; the one before counts no more."""
        letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
        self._write(self._code_file, {"hash": _hash(letters), "at": now or time.time(), "wrong": 0})
        return f"{letters[:4]}-{letters[4:]}"

    def enter(self, code: str, now: float | None = None) -> str | None:
        """A token for who has the code; it counts once. None where it is wrong or too old."""
        now = now or time.time()
        out = self._read(self._code_file)
        if not out or now - out.get("at", 0) > CODE_S or out.get("wrong", 0) >= TRIES:
            return None
        typed = "".join(letter for letter in code.upper() if letter.isalnum())
        if not hmac.compare_digest(_hash(typed), str(out.get("hash"))):
            self._write(self._code_file, {**out, "wrong": out.get("wrong", 0) + 1})
            return None
        self._code_file.unlink(missing_ok=True)
        token = secrets.token_urlsafe(32)
        kept = sorted(self._tokens(now).items(), key=lambda item: item[1])[-_MOST + 1 :]
        self._write(self._tokens_file, {**dict(kept), _hash(token): now})
        return token

    def knows(self, token: str | None, now: float | None = None) -> bool:
        """Whether this token was given, and not too long ago."""
        return bool(token) and _hash(token or "") in self._tokens(now or time.time())

    def leave(self, token: str) -> None:
        """The token counts no more."""
        tokens = self._tokens(time.time())
        if tokens.pop(_hash(token), None) is not None:
            self._write(self._tokens_file, tokens)

    def _tokens(self, now: float) -> dict[str, float]:
        return {
            name: at for name, at in self._read(self._tokens_file).items() if now - at < TOKEN_S
        }

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        private_folder(self.folder)
        write_private(path, json.dumps(value).encode())

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            read = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return {}
        return cast("dict[str, Any]", read) if isinstance(read, dict) else {}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
