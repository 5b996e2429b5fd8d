"""Fetching one large file over HTTPS, continuing what is already there."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from alicia.errors import ConnectivityError, SetupError

_BLOCK = 1 << 18
_TIMEOUT_S = 30.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def download(url: str, path: Path, told: Callable[[int], None]) -> None:
    """Fetch `url` into `path`, from where the file ends now; `told` hears the bytes so far.

    Raises:
        ConnectivityError: no answer, or it broke off. What came stays, for the next time.
        SetupError: the address is not HTTPS (this machine itself may be).
    """
    address = urllib.parse.urlsplit(url)
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise SetupError("Models are only fetched over HTTPS.", url=url)
    have = path.stat().st_size if path.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 as above
            _store(answer, path, have, told)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # All of it is here already; the checksum tells whether it is right.
            raise _broken(url, f"HTTP {error.code}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _broken(url, str(error) or type(error).__name__) from error


def _store(
    answer: http.client.HTTPResponse, path: Path, have: int, told: Callable[[int], None]
) -> None:
    if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
        have = 0  # It can't continue, and begins anew.
    with path.open("ab" if have else "wb") as out:
        # A broken connection just ends the blocks: the length tells that there should be more.
        left = int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
        while block := answer.read(_BLOCK):
            out.write(block)
            have += len(block)
            if left is not None:
                left -= len(block)
            told(have)
    if left:
        raise http.client.IncompleteRead(b"", left)


def _broken(url: str, reason: str) -> ConnectivityError:
    return ConnectivityError(
        "The download broke off. Run the same command again: it continues where it stopped.",
        url=url,
        reason=reason,
    )
