"""Router: owns the turn, from the first word to the spoken reply.

    OPEN_TURN -> TRANSCRIBE -> UNDERSTAND -> SPEAK -> TURN_ENDED        (TURN says where it is)
    a better wake word, a barge-in, "stop", a satellite that vanished -> CANCEL
    ANNOUNCE -> SOUND -> PLAYED        OPEN_INTERCOM -> SOUND -> JOINED -> INTERCOM* -> PLAYED

Every turn ends in something that the person hears: the reply, or the error's phrase in their
language; a turn that is cancelled ends in silence. A turn that was open when this room was killed
is taken up again by its next instance, from the last thing that is known of it: the satellite
still has the audio, and what was carried out carries the turn's id.
"""

from alicia.services.voice.router.following import Router
from alicia.services.voice.router.settings import RouterSettings

__all__ = ["Router", "RouterSettings"]
