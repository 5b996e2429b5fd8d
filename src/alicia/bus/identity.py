"""Who speaks: the names, ids and marks of all that one bus says."""

from __future__ import annotations

import os
from typing import TypeVar

from alicia.bus.packet import Packet, traceparent
from alicia.contracts.kinds import Payload, Topic

M = TypeVar("M", bound=Payload)

ROOT = "alicia"
"""First level of every topic, unless a setting says otherwise."""
REPLY = "system/reply/{asker}/{instance}"
EVENT_EXPIRY_S = 60.0


class Identity:
    """One instance of a service, under one root."""

    def __init__(self, service: str, instance: str, root: str) -> None:
        self.service = service
        self.instance = instance
        self.root = root + "/"
        self.sender = f"{service}/{instance}"
        self.inbox = self.root + REPLY.format(asker=service, instance=instance)
        self._next_id = int.from_bytes(os.urandom(6), "big") << 24

    def relative(self, topic: str) -> str:
        return topic.removeprefix(self.root)

    def new_id(self) -> str:
        """An id for something that may be said twice."""
        self._next_id += 1
        return f"{self._next_id:x}"

    def packet(self, topic: Topic[M], message: M) -> Packet:
        return Packet(
            self.root + topic.name(message),
            message.encode(),
            qos=topic.qos,
            retain=topic.retain,
            id=self.new_id(),
            sender=self.sender,
            schema=topic.schema,
            traceparent=traceparent.get(),
            expiry_s=topic.expiry_s if topic.expiry_s or topic.retain else EVENT_EXPIRY_S,
        )
