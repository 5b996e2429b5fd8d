"""Grok: xAI's Grok, or any model that is spoken to by OpenAI's protocol, as a mind for ai.

    THINK asked -> GET_HOME asked -> a model is told the part of the home that matters
                   -> CLAUSE* said, where it is wanted -> replied

It does nothing: what a model wants changed is checked against this home and proposed to the asker,
and what is protected (locks, garage doors, alarms) no model is told of. Without a provider it
starts, is degraded, and says why.
"""

from alicia.services.advanced.grok.settings import GrokSettings
from alicia.services.advanced.grok.thinking import Grok

__all__ = ["Grok", "GrokSettings"]
