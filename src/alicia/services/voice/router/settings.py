"""What the router can be told."""

from __future__ import annotations

from pydantic import Field

from alicia.runtime.settings import Settings


class RouterSettings(Settings):
    transcribe_s: float = Field(default=25.0, gt=0)
    """From opening the microphone to the text; the person's own time is in it."""
    understand_s: float = Field(default=6.0, gt=0)
    look_s: float = Field(default=10.0, gt=0)
    """The same where there is a picture; to the first clause, where the reply is spoken."""
    speak_s: float = Field(default=8.0, gt=0)
    aloud_s: float = Field(default=9.0, ge=0)
    """How long a language model may go on with an answer whose first clause is spoken; 0: nothing
    is spoken of an answer that is not whole."""
    speaker_s: float = Field(default=0.06, ge=0)
    """How long a sentence waits at most for whose voice it was, where voices are recognized."""
    cancel_s: float = Field(default=0.5, gt=0)
    """How long a cancelled stage may take to say so; what devices were told is waited for."""
    keep_turns: int = Field(default=500, ge=1)
    """Turns whose traces are kept."""
    log_turns: bool = False
    """Keep what was said and answered in the stored turns, not only what became of it."""

    wake_window_s: float = Field(default=0.3, ge=0)
    """How long after the first satellite a clearly better one may take the turn."""
    same_wake_s: float = Field(default=1.5, ge=0)
    """Wake words nearer than this are one, heard by several satellites."""
    wake_better_db: float = Field(default=3.0, ge=0)
    """How much better is clearly better: loudness, and the detector's score at 20 dB."""
    earshot: str = ""
    """Areas that hear each other, `kitchen+dining,hall+stairs`; all do where it is empty."""

    follow_up_s: float = Field(default=6.0, ge=0)
    """How long a satellite listens without a wake word after a question; 0: never."""
    topic_s: float = Field(default=90.0, ge=0)
    """How long "turn it off" and "and the bedroom?" go back to the turn before; 0: never."""
    window_s: float = Field(default=600.0, ge=0)
    """How long the words of the last turns are kept, encrypted, for "what did I ask?"; 0: never."""
    window_turns: int = Field(default=10, ge=1, le=100)
    """How many of them at each satellite."""
    history_s: float = Field(default=300.0, ge=0)
    """How long a language model is told again what it was asked and answered here; 0: never."""
    history_tokens: int = Field(default=400, ge=0)
    """How much of it, as it was said. Of what was before a model is told a summary; 0: nothing."""
    vanished_s: float = Field(default=2.0, ge=0)
    """How long a satellite that is lost may take to come back into its turn."""
    lease_s: float = Field(default=30.0, gt=0)
    """How long a satellite is known after it said that it is here."""

    volumes: str = ""
    """By satellite or area, `kitchen=0.5,bedroom=0.3`; 1 for the others."""
    quiet_hours: str = ""
    """`22:00-07:00`: only urgent announcements, and everything softer."""
    quiet_volume: float = Field(default=0.4, ge=0, le=1)
    follow_me: bool = True
    """What is announced without a place is heard where somebody spoke last; a reply, where the one
    who asked has spoken since."""
    queue_s: float = Field(default=30.0, gt=0)
    """How long an announcement waits for a turn to end."""

    record: str = ""
    """Satellites whose people consent to their turns' audio being kept, by name; `*` for all."""
    record_days: float = Field(default=7.0, gt=0)
    record_most: int = Field(default=200, ge=1)

    def records(self, satellite: str) -> bool:
        """Whether somebody consented there."""
        names = {name.strip() for name in self.record.split(",")}
        return "*" in names or satellite in names
