"""Console: the command line's identity on the bus."""

from __future__ import annotations

from alicia.contracts import (
    advanced,
    devices,
    languages,
    memory,
    personas,
    satellites,
    schedules,
    system,
    voice,
)
from alicia.runtime.service import Service
from alicia.runtime.settings import Settings


class ConsoleSettings(Settings):
    http_port: int = -1


class Console(Service[ConsoleSettings]):
    """Whoever types at this machine."""

    name = "console"
    hears = (
        system.DIRECTORY,
        system.BROKER,
        system.DESIRED,
        system.DEAD_LETTER,
        devices.AREA,
        devices.ENTITY,
        devices.STATE,
        voice.TURN,
        advanced.ANALYSED,
        advanced.SPEAKER_RECOGNIZED,
        schedules.RUN,
        schedules.HOME_TIME,
    )
    says = (advanced.SAMPLE,)
    asks = (
        system.PING,
        system.INFO,
        system.STATS,
        system.LIST_PROCESSES,
        system.RESTART_SERVICE,
        voice.SAY_TEXT,
        voice.PREPARE,
        voice.GET_TRACE,
        voice.STOP_TURN,
        voice.FORGET_CONVERSATIONS,
        satellites.ANNOUNCE,
        satellites.LIST_RECORDINGS,
        satellites.GET_RECORDING,
        satellites.FORGET_RECORDINGS,
        devices.FIND_ENTITIES,
        devices.PATCH_ENTITY,
        advanced.ENROL_SPEAKER,
        advanced.FORGET_SPEAKER,
        advanced.LIST_SPEAKERS,
        advanced.SET_PATIENCE,
        advanced.WHO_IS,
        languages.DETECT_LANGUAGE,
        languages.TRANSLATE_TEXT,
        languages.LOCALISE,
        languages.GET_TRANSLATORS,
        languages.CHOOSE_LANGUAGE,
        personas.LIST_PERSONAS,
        personas.GET_PERSONA,
        personas.PUT_PERSONA,
        personas.RESTORE_PERSONA,
        personas.DELETE_PERSONA,
        personas.ASSIGN_PERSONA,
        personas.BLEND_PERSONAS,
        personas.PREVIEW_PERSONA,
        personas.EXPORT_PERSONAS,
        schedules.CREATE_SCHEDULE,
        schedules.LIST_SCHEDULES,
        schedules.CANCEL_SCHEDULES,
        schedules.ADJUST_TIMER,
        schedules.PREVIEW_SCHEDULE,
        schedules.LIST_RUNS,
        personas.IMPORT_PERSONAS,
        memory.LIST_FACTS,
        memory.PUT_FACT,
        memory.FORGET_FACTS,
    )
