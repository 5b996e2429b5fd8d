"""What nobody may change, or be told of, on a guess: locks, garage doors, gates, alarms."""

from __future__ import annotations

from alicia.contracts.devices import Entity

_DOMAINS = frozenset({"lock", "alarm_control_panel"})
_CLASSES = frozenset({"garage", "garage_door", "gate", "lock"})
_CAPABILITIES = frozenset({"locked", "armed", "alarm"})


def is_protected(entity: Entity) -> bool:
    """Whether it is one of them, also where its adapter does not say so."""
    return (
        entity.protected
        or entity.domain in _DOMAINS
        or (entity.device_class or "") in _CLASSES
        or (entity.domain == "cover" and entity.device_class == "door")
        or any(capability.name in _CAPABILITIES for capability in entity.capabilities)
    )
