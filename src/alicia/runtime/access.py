"""Access rules, derived from the contract: what each identity may publish and be delivered.

Least privilege: a service reads and writes its declared topics, its own presence, its own reply
inbox, and the inboxes of those who ask what it serves.
"""

from __future__ import annotations

from alicia.bus.bus import Declaration
from alicia.bus.identity import REPLY, ROOT
from alicia.bus.packet import Access
from alicia.contracts import declared
from alicia.contracts.kinds import AnyTopic, Stream
from alicia.runtime.roster import declarations

TAPPING = "console"
"""The one identity that may hear everything, audio excluded."""


def derive(root: str = ROOT) -> dict[str, Access]:
    """Access by identity, as MQTT filters with the root."""
    everyone = declarations()
    rules = {name: _of(name, mine, everyone) for name, mine in everyone.items()}
    return {
        name: Access(
            read=tuple(sorted(_rooted(root, f) for f in read)),
            write=tuple(sorted(f"{root}/{f}" for f in write)),
        )
        for name, (read, write) in sorted(rules.items())
    }


def _rooted(root: str, filter_: str) -> str:
    return filter_ if filter_.startswith("$") else f"{root}/{filter_}"


def _of(
    name: str, mine: Declaration, everyone: dict[str, Declaration]
) -> tuple[set[str], set[str]]:
    read = {topic.filter() for topic in mine.hears}
    write = {_own(topic, name) for topic in mine.says}
    for command in mine.serves:
        read.add(_own(command, name))
        for asker, theirs in everyone.items():
            if command in theirs.asks:
                write.add(REPLY.format(asker=asker, instance="+"))
    if mine.asks:
        read.add(REPLY.format(asker=name, instance="+"))
        write.update(command.filter() for command in mine.asks)
    if name == "broker":
        read.add("$SYS/#")
    if name == TAPPING:
        read.update(_tapped())
    return read, write


def _own(topic: AnyTopic, name: str) -> str:
    return topic.filter(service=name) if topic.each_own else topic.filter()


def _tapped() -> set[str]:
    return {t.filter() for t in declared().values() if not isinstance(t, Stream)}
