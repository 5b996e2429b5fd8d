"""What a service's process does: logs, signals, the runner, and an exit code with a meaning."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alicia.errors import SetupError
from alicia.runtime import logs, settings
from alicia.runtime.house import MqttHouse
from alicia.runtime.roster import room
from alicia.runtime.runner import Runner
from alicia.runtime.settings import Folder
from alicia.runtime.spawner import SETUP_FAILED

LOG_BYTES = 5_000_000


def run_service(
    name: str,
    folder: Folder,
    *,
    log_file: Path | None = None,
    ready: Callable[[Any], None] | None = None,
) -> int:
    """Run a service of the roster in this process until SIGTERM; the exit code.

    `ready` is told the service once it is. Raises SettingsError where there is no such service.
    """
    kind = room(name).load()
    with contextlib.ExitStack() as stack:
        try:
            wanted = settings.load(kind.settings_type, name, folder)
            stream = stack.enter_context(_log(log_file)) if log_file else sys.stderr
            logs.configure(
                level=wanted.log_level,
                personal=wanted.log_personal,
                readable=stream.isatty(),
                to=stream,
            )
            asyncio.run(_until_told(Runner(kind, MqttHouse(folder), folder), ready))
        except SetupError as error:
            logs.logger(service=name).error("can't start", code=error.code, reason=str(error))
            print(f"alicia {name}: {error}", file=sys.stderr)  # noqa: T201 - a person starts it
            return SETUP_FAILED
        except BaseExceptionGroup as group:
            setup, others = group.split(SetupError)
            if setup is not None and others is None:
                logs.logger(service=name).error("can't start", reason=str(_first(setup)))
                print(f"alicia {name}: {_first(setup)}", file=sys.stderr)  # noqa: T201 - likewise
                return SETUP_FAILED
            logs.logger(service=name).exception("ended by an error")
            return 1
        except Exception:
            logs.logger(service=name).exception("ended by an error")
            raise
    return 0


async def _until_told(runner: Runner, ready: Callable[[Any], None] | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runner.stop.set)
    telling = asyncio.create_task(_tell(runner, ready)) if ready else None
    try:
        await runner.run()
    finally:
        if telling is not None:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _tell(runner: Runner, ready: Callable[[Any], None]) -> None:
    await runner.ready.wait()
    ready(runner.service)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _log(path: Path):  # noqa: ANN202 - a text file
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("a", encoding="utf-8", buffering=1)
