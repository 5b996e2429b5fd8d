"""Satellite: a microphone and a speaker in an area.

    OPEN_TURN asked -> LISTENING heard -> AUDIO* said -> UTTERANCE_ENDED heard
                    -> SPEECH* heard -> TURN_ENDED heard        (CANCEL heard: silence)

Audio flows only between LISTENING and the end of the utterance. The whole utterance is kept until
the turn is over: when the recognizer is lost, the next one says LISTENING again and hears it from
the first sample. Where no reply can be heard, it speaks a phrase that it stored while the
house was well: whatever happens, the person hears something.
"""

from alicia.peers.satellite.hearing import FRAME, RATE_HZ, Heard, Microphone, played
from alicia.peers.satellite.service import Satellite, SatelliteSettings, TurnOptions
from alicia.peers.satellite.standing import Detector, Standing

__all__ = [
    "FRAME",
    "RATE_HZ",
    "Detector",
    "Heard",
    "Microphone",
    "Satellite",
    "SatelliteSettings",
    "Standing",
    "TurnOptions",
    "played",
]
