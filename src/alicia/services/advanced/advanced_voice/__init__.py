"""Advanced voice: whose voice it is, how it sounds, and how well it was heard.

    AUDIO heard (every utterance) -> SPEAKER_RECOGNIZED said, while it goes on -> ANALYSED said
    SAMPLE* heard, ENROL_SPEAKER / WHO_IS asked -> replied

It listens beside stt and nobody waits for it: the work is done on threads of the lowest priority, a
turn that it misses or that outlives it goes on, and an ability that is off costs nothing. Each one
is a span of the turn's trace. Voiceprints are kept with their owner's consent alone.
"""

from alicia.services.advanced.advanced_voice.analysing import AdvancedVoice
from alicia.services.advanced.advanced_voice.settings import AdvancedVoiceSettings

__all__ = ["AdvancedVoice", "AdvancedVoiceSettings"]
