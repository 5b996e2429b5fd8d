"""Runs Mosquitto, or takes over one that runs already.

    files written -> mosquitto started (or adopted) -> TLS handshake accepted -> watched -> stopped

The broker outlives its supervisor: after a crash of ours, the next one adopts it, and no client
notices.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from alicia.errors import NotReadyError, SetupError
from alicia.security import process
from alicia.security.broker_log import BrokerLog
from alicia.security.endpoint import Endpoint
from alicia.security.files import private_folder, write_private
from alicia.security.mosquitto import (
    ACL,
    CONF,
    DATA,
    LOG,
    OPENSSL,
    PASSWORDS,
    PID,
    Access,
    BrokerSettings,
    approve,
    check,
    render,
)
from alicia.security.ports import free_port, require_free, trouble

START_WITHIN_S = 5.0
ADOPT_WITHIN_S = 2.0
RELOAD_WITHIN_S = 5.0
_POLL_S = 0.005
_TRIM_EVERY_S = 60


@dataclass(frozen=True)
class Ended:
    """A broker's end."""

    pid: int
    code: int | None
    """Negative: a signal. None: it was adopted, and its code went to somebody else."""
    log: tuple[str, ...]
    """The last lines it wrote."""

    @property
    def reason(self) -> str:
        if self.code is None:
            return "Mosquitto is gone."
        if self.code < 0:
            return f"Mosquitto was ended by {signal.Signals(-self.code).name}."
        return f"Mosquitto ended by itself with code {self.code}."


class Mosquitto:
    """One broker in one folder."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._settings = settings
        self._log = BrokerLog(settings.folder / LOG)
        self._pid: int | None = None
        self._child: int | None = None
        self._codes: dict[int, int] = {}

    @property
    def settings(self) -> BrokerSettings:
        """As given, with the ports in use once started or adopted."""
        return self._settings

    @property
    def pid(self) -> int | None:
        return self._pid

    @property
    def endpoint(self) -> Endpoint:
        """Where this machine's clients reach it."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(  # noqa: S104 - translated, not bound
            self._settings.bind_address, self._settings.bind_address
        )
        return Endpoint(host, self._settings.tls_port, self._settings.ca_file)

    @property
    def pid_file(self) -> Path:
        return self._settings.folder / PID

    @property
    def log_file(self) -> Path:
        return self._log.path

    @property
    def needs_restart(self) -> bool:
        """Whether it runs on a certificate that a reload does not replace."""
        # A reload gives the new certificate to the MQTT listener, not to the WebSocket one.
        if self._settings.websocket_port is None:
            return False
        try:
            started = self.pid_file.stat().st_mtime_ns
            return self._settings.certificate_file.stat().st_mtime_ns > started
        except OSError:
            return False

    async def start(self, access: Access, passwords: str) -> bool:
        """Adopt the broker of this folder, or start one. True where it was adopted.

        Returns once it accepts clients. Raises DependencyMissingError without a usable program,
        SetupError with the end of its log where it doesn't come up.
        """
        if await self.adopt(access, passwords):
            return True
        leftover = self._recorded()
        if leftover is not None:  # it runs with other settings, or does not answer
            self._pid = leftover
            await self.stop()
        before = self._settings
        try:
            await self._launch(access, passwords)
        except BaseException:
            self._settings = before
            await asyncio.shield(self.stop(deadline_s=0))
            raise
        return False

    async def adopt(self, access: Access, passwords: str) -> bool:
        """Take over the broker that the pid file names, with this access.

        False where there is none, it was started with other settings, or it does not answer.
        """
        pid = self._recorded()
        if pid is None:
            return False
        before = self._settings
        self._settings = self._with_ports()
        texts = render(self._settings, access)
        if self.needs_restart or any(self._read(name) != texts[name] for name in (CONF, OPENSSL)):
            self._settings = before
            return False
        self._pid = pid
        try:
            await self._accepting(ADOPT_WITHIN_S, self._log.size())
            # Always: our predecessor may have died between writing and telling.
            await self._tell(texts, passwords)
        except SetupError:
            self._settings, self._pid = before, None
            return False
        return True

    async def reload(self, access: Access, passwords: str) -> bool:
        """Apply changed access, passwords or certificates; connected clients stay.

        True where access or passwords changed. Returns once the broker has read them. Raises
        NotReadyError where it doesn't run or doesn't react.
        """
        if self._pid is None:
            raise NotReadyError("Mosquitto is not running.")
        self._log.trim()
        return await self._tell(render(self._settings, access), passwords)

    async def watch(self) -> Ended:
        """Wait for the broker's end, whoever causes it. Keeps its log short meanwhile."""
        pid = self._pid
        if pid is None:
            raise NotReadyError("Mosquitto is not running.")
        code = None
        while process.alive(pid):
            try:
                async with asyncio.timeout(_TRIM_EVERY_S):
                    code = await self._ended(pid)
            except TimeoutError:
                self._log.trim()
        if code is None:
            code = await self._ended(pid)
        if self._pid == pid:
            self._pid = None
        return Ended(pid, code, tuple(self._log.last_lines()))

    async def stop(self, deadline_s: float = 5.0) -> None:
        """End the broker: politely, so that it stores its messages, then by force."""
        pid = self._pid
        if pid is None:
            return
        # A child's pid can't be another's until its end is seen; an adopted one's can.
        if process.alive(pid) and (self._child == pid or process.runs(pid, *self._arguments)):
            process.send(pid, signal.SIGTERM)
            try:
                async with asyncio.timeout(deadline_s):
                    await self._ended(pid)
            except TimeoutError:
                process.send(pid, signal.SIGKILL)
                await self._ended(pid)
        else:
            process.buried(pid)
        if self._pid == pid:
            self._pid = None
        # Mosquitto removes it at a clean end; by now it may be a successor's.
        if self._read(PID).strip() == str(pid):
            self.pid_file.unlink(missing_ok=True)

    async def _launch(self, access: Access, passwords: str) -> None:
        program = await asyncio.to_thread(check, self._settings)
        self._settings = self._with_ports(free=True)
        for name, port in self._settings.ports.items():
            require_free(self._address(name), port)
        await asyncio.to_thread(self._write, render(self._settings, access), passwords)
        await asyncio.to_thread(approve, program, self._conf, self._environment)
        self._log.trim()
        log_start = self._log.size()
        argv = [str(program.path), *self._arguments]
        self._pid = self._child = process.spawn(argv, self.log_file, self._environment)
        await self._accepting(START_WITHIN_S, log_start)

    # ---- the process -----------------------------------------------------------------------------

    @property
    def _conf(self) -> Path:
        return self._settings.folder / CONF

    @property
    def _arguments(self) -> tuple[str, str]:
        """What a command line of this folder's broker ends with."""
        return "-c", str(self._conf)

    @property
    def _environment(self) -> Mapping[str, str]:
        # No more of ours than it needs: our environment may hold tokens.
        kept = ("PATH", "TZ", "LD_LIBRARY_PATH")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        return {**environment, "OPENSSL_CONF": str(self._settings.folder / OPENSSL)}

    def _recorded(self) -> int | None:
        """The living broker of this folder that the pid file names."""
        try:
            pid = int(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if pid > 1 and process.runs(pid, *self._arguments) else None

    async def _ended(self, pid: int) -> int | None:
        code = await process.ended(pid)
        if code is not None:
            self._codes = {pid: code}  # for the others who wait: it is given out once
        return self._codes.get(pid)

    async def _accepting(self, deadline_s: float, log_start: int) -> None:
        """Return once a TLS handshake succeeds. Raises SetupError."""
        assert self._pid is not None  # noqa: S101 - both callers have just set it
        endpoint = self.endpoint
        context = endpoint.tls()
        # Whether the certificate names this address is the clients' concern; here it only has to
        # be this home's.
        context.check_hostname = False
        deadline = monotonic() + deadline_s
        reason = "no answer"
        while (left := deadline - monotonic()) > 0:
            try:
                await endpoint.shake_hands(context, left)
            except ssl.SSLCertVerificationError as error:
                raise SetupError(
                    f"The broker's certificate is not accepted: {error.verify_message}.",
                    path=str(self._settings.certificate_file),
                ) from error
            except OSError as error:  # ssl.SSLError and TimeoutError are ones
                reason = str(error) or type(error).__name__
            else:
                if process.alive(self._pid):
                    return
            if not process.alive(self._pid):
                raise self._failed("Mosquitto ended while it started", log_start)
            await asyncio.sleep(_POLL_S)
        raise self._failed(f"Mosquitto accepts no clients ({reason})", log_start)

    def _failed(self, what: str, log_start: int) -> SetupError:
        lines = self._log.last_lines(log_start)
        errors = [line.partition("Error: ")[2] for line in lines if "Error: " in line]
        why = f": {errors[-1].rstrip('.')}" if errors else ""
        return SetupError(f"{what}{why}.", port=self._settings.tls_port, log=lines)

    async def _tell(self, texts: Mapping[str, str], passwords: str) -> bool:
        """Write access and passwords, and have the broker read them."""
        pid = self._pid
        changed = await asyncio.to_thread(self._write, {ACL: texts[ACL]}, passwords)
        start = self._log.size()
        if pid is None or not process.send(pid, signal.SIGHUP):
            raise NotReadyError("Mosquitto is not running.")
        # It says so and then reads, in the thread that serves clients: whoever connects after
        # this line meets the new rules.
        deadline = monotonic() + RELOAD_WITHIN_S
        while b"Reloading config" not in self._log.since(start):
            if monotonic() > deadline or not process.alive(pid):
                raise NotReadyError("Mosquitto does not react.", log=self._log.last_lines())
            await asyncio.sleep(_POLL_S)
        return changed

    # ---- files and ports -------------------------------------------------------------------------

    def _write(self, texts: Mapping[str, str], passwords: str) -> bool:
        private_folder(self._settings.folder)
        private_folder(self._settings.folder / DATA)
        changed = [
            write_private(self._settings.folder / name, text.encode())
            for name, text in {**texts, PASSWORDS: passwords}.items()
        ]
        return any(changed)

    def _read(self, name: str) -> str:
        try:
            return (self._settings.folder / name).read_text()
        except OSError:
            return ""

    def _with_ports(self, *, free: bool = False) -> BrokerSettings:
        """The settings with a number for each port of 0: the last start's, else a free one."""
        ports = self._settings.ports
        listeners = [int(n) for n in re.findall(r"^listener (\d+)", self._read(CONF), re.MULTILINE)]
        last = listeners if len(listeners) == len(ports) else [0] * len(ports)
        chosen: dict[str, int | None] = {}
        for (name, port), before in zip(ports.items(), last, strict=True):
            chosen[name] = port
            if port == 0:
                address = self._address(name)
                usable = before and not (free and trouble(address, before))
                chosen[name] = before if usable else free_port(address)
        return replace(self._settings, **chosen)

    def _address(self, listener: str) -> str:
        return "127.0.0.1" if listener == "plain_port" else self._settings.bind_address
