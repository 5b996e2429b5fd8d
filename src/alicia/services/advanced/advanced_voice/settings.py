"""What advanced_voice can be told."""

from __future__ import annotations

from pydantic import Field

from alicia.runtime.settings import Settings


class AdvancedVoiceSettings(Settings):
    quality: bool = True
    """How well each utterance is heard, with advice."""
    prosody: bool = True
    """Pitch, loudness and pace. Says that the emotion is unknown, and why."""
    speakers: bool = True
    """Whose voice it is. Costs nothing while nobody is enrolled."""
    count_speakers: bool = False
    """How many voices speak in an utterance."""
    wake_words: str = ""
    """Words looked for in each utterance, separated by commas: `alicia`, `hey_jarvis`…"""
    speaker_after_s: float = Field(default=0.8, gt=0)
    """Speech after which whose voice it is may first be sure."""
    speaker_every_s: float = Field(default=0.4, gt=0)
    """More speech after which it is tried again, while it is not."""
    speaker_threshold: float | None = Field(default=None, ge=-1, le=1)
    """Likeness from which a voice is somebody's; the embedder's own where it is not given."""
    language: str = "en"
    """The language of the advice."""
    longest_s: float = Field(default=20.0, gt=0)
    """What is said after it is not analysed."""
