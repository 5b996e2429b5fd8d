"""What a log line shows of a failure, and what it keeps to itself."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import structlog

from alicia.errors import NotUnderstoodError
from alicia.runtime import logs

CANARY = "the password of the canary is seeds"


@pytest.fixture(autouse=True)
def configured_again() -> Any:
    yield
    structlog.reset_defaults()


def _quote() -> None:
    raise ValueError(CANARY)


def _fail() -> None:
    try:
        _quote()
    except ValueError as error:
        raise NotUnderstoodError(CANARY, text=CANARY) from error


def _logged(*, personal: bool) -> dict[str, Any]:
    stream = io.StringIO()
    logs.configure(personal=personal, to=stream)
    try:
        _fail()
    except NotUnderstoodError:
        logs.logger(service="test").exception("failed")
    return json.loads(stream.getvalue())


def test_a_traceback_says_where_and_what_but_not_what_was_said() -> None:
    line = _logged(personal=False)
    assert CANARY not in json.dumps(line)
    assert "NotUnderstoodError [intent.not_understood]" in line["exception"]
    assert "builtins.ValueError" in line["exception"]
    assert "in _fail" in line["exception"]


def test_at_home_one_may_ask_for_all_of_it() -> None:
    assert CANARY in _logged(personal=True)["exception"]


def test_a_group_names_what_is_in_it() -> None:
    stream = io.StringIO()
    logs.configure(to=stream)
    group = ExceptionGroup("tasks", [ValueError(CANARY), OSError(CANARY)])
    logs.logger(service="test").error("failed", exc_info=group)
    line = json.loads(stream.getvalue())
    assert CANARY not in json.dumps(line)
    assert "of ValueError" in line["exception"]
    assert "of OSError" in line["exception"]
