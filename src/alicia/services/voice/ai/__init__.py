"""AI: a sentence becomes an intent, the changes it asks for, and a reply from what was confirmed.

    PREVIEW asked -> whether the words so far are a whole command (nothing is done),
                     PREPARE asked: its answer is spoken into memory before it is needed
    UNDERSTAND asked -> a plan from the home's own grammar; where it knows none, what was told to
                        be remembered, or THINK asked
                     -> CONTROL asked -> Understood replied
    LIST_FACTS | PUT_FACT | FORGET_FACTS asked -> reply

The home is known from retained states, so a turn completes while the registry is away. Changes
carry ids made from the turn's, so a turn that is understood again after a crash is not carried out
twice. What needs a PIN or a yes is asked for, and done when the next sentence there gives it:
`alicia.mind.confirmation_dialogue`.
"""

from alicia.services.voice.ai.settings import AiSettings
from alicia.services.voice.ai.understanding import Ai

__all__ = ["Ai", "AiSettings"]
