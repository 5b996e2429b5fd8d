"""What `alicia doctor` looks at in a house that is up, over its bus."""

from __future__ import annotations

import asyncio
import platform
import statistics
import time
from collections import Counter
from contextlib import suppress

from alicia.cli import services
from alicia.cli.verdicts import Check, failed, ok, warn
from alicia.cli.visiting import console, keeper, last_words
from alicia.contracts.system import ALIVE, DEAD_LETTER, PING, STATS, GetStats, Ping, Presence
from alicia.errors import AliciaError, BusError, ContractError
from alicia.peers.console import Console
from alicia.runtime.settings import Folder
from alicia.security.process import alive as process_lives

PING_GOOD_MS = 50.0
SKEW_GOOD_S = 2.0
PINGS = 5
FAREWELL_S = 0.3


async def house(folder: Folder) -> list[Check]:
    """How the house does that is up, if one is."""
    try:
        async with console(folder) as peer:
            heard: list[str] = []
            letters = asyncio.create_task(_listen_for_letters(peer, heard))
            try:
                return [
                    *await _services(peer, folder),
                    *await _answers(peer),
                    *await _given_up(peer, heard),
                ]
            finally:
                letters.cancel()
                await asyncio.gather(letters, return_exceptions=True)
    except AliciaError as error:
        if keeper(folder) is not None:
            return [
                failed(
                    "house",
                    f"A house is up here, but its bus can't be reached: {error}",
                    f"Look into {folder.root / 'logs' / 'broker.log'}; stop it and start it again.",
                )
            ]
        return [warn("house", "No house is up here.", "alicia up")]


async def _services(peer: Console, folder: Folder) -> list[Check]:
    now = await services.overview(peer, folder)
    found: list[Check] = []
    for row in now["services"]:
        if row["planned"] or row["phase"] == "ready":
            continue
        name = row["service"]
        unwanted = row["instance"] is None and row["pid"] is None
        if row["restarts"] is None and (unwanted or row["group"] == "peer"):
            continue  # nobody wants it to run, or a visitor who is leaving
        words = last_words(folder, name, peer.peers.all())
        judge = warn if row["phase"] in ALIVE else failed
        found.append(
            judge(
                "services",
                f"{name} is {row['phase']}: {row['reason'] or words or 'it has not said why'}",
                f"Its log: {folder.root / 'logs' / f'{name}.log'}. Then: alicia restart {name}",
            )
        )
    found += [
        warn(
            "services",
            f"{row['service']} was started again {row['restarts']} times.",
            f"Its log says why it ended: {folder.root / 'logs'}",
        )
        for row in now["services"]
        if (row["restarts"] or 0) > 2
    ]
    found += [
        failed("services", f"{row['service']} lacks {', '.join(row['missing'])}.", "alicia ps")
        for row in now["services"]
        if row["missing"] and row["phase"] in ALIVE
    ]
    if not found:
        found.append(ok("services", f"{now['ready']} ready, {now['planned']} planned"))
    return found


async def _answers(peer: Console) -> list[Check]:
    times: list[float] = []
    skews: dict[str, float] = {}
    silent: list[str] = []
    for presence in peer.peers.all():
        if presence.phase not in ALIVE or presence.service == peer.name:
            continue
        ping = Ping(service=presence.service, instance=presence.instance)
        for _ in range(PINGS):
            began, started = time.time(), time.perf_counter()
            try:
                pong = await peer.ask(PING, ping)
            except BusError:
                await asyncio.sleep(FAREWELL_S)
                if _stays(peer, presence):
                    silent.append(presence.instance)
                break
            took = time.perf_counter() - started
            times.append(took * 1000)
            skews[presence.host] = pong.at - (began + took / 2)
    found = [
        failed("ping", f"{name} does not answer.", f"alicia restart {name.rpartition('-')[0]}")
        for name in silent
    ]
    if times:
        middle, most = statistics.median(times), max(times)
        text = f"{middle:.1f} ms over the bus and back, {most:.1f} at most"
        if middle <= PING_GOOD_MS:
            found.append(ok("ping", text))
        else:
            found.append(warn("ping", text, "This machine is busy: see `top` and `alicia ps`."))
    found += [
        failed(
            "clock",
            f"The clock of {host} is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} "
            "this one.",
            "Let both take the time from the network.",
        )
        for host, skew in skews.items()
        if abs(skew) > SKEW_GOOD_S
    ]
    return found


def _stays(peer: Console, presence: Presence) -> bool:
    """Not somebody who was just leaving."""
    now = next((p for p in peer.peers.all() if p.instance == presence.instance), presence)
    here = presence.host == platform.node()
    return now.phase in ALIVE and (not here or process_lives(presence.pid))


async def _listen_for_letters(peer: Console, heard: list[str]) -> None:
    """Note the dead letters said while the doctor is here."""
    async with peer.hear(DEAD_LETTER) as letters:
        async for letter in letters:
            heard.append(f"{letter.topic} ({letter.code})")  # noqa: PERF401 - read as it grows


async def _given_up(peer: Console, heard: list[str]) -> list[Check]:
    """Messages that could not be read, since each instance started."""
    counts: Counter[str] = Counter()
    for presence in peer.peers.all():
        if presence.phase in ALIVE and presence.instance != peer.instance:
            where = GetStats(service=presence.service, instance=presence.instance)
            with suppress(BusError):
                stats = await peer.ask(STATS, where)
                counts[presence.service] += sum(
                    count
                    for code, count in stats.errors.items()
                    if code.startswith(ContractError.code)
                )
    there = {service: count for service, count in counts.items() if count}
    if not there and not heard:
        return [ok("dead letters", "none: every message could be read")]
    by = ", ".join(f"{service} {count}" for service, count in there.items())
    last = f"; just now {', '.join(heard)}" if heard else ""
    return [
        warn(
            "dead letters",
            f"Messages that could not be read: {by or len(heard)}{last}.",
            f"A program of another version speaks here. See: alicia tap {DEAD_LETTER.filter()}",
        )
    ]
