"""Advanced messages: whose voice it is, how it sounds and how well it was heard."""

from __future__ import annotations

from pydantic import Field

from alicia.contracts.kinds import AudioPayload, Command, Event, Message, Personal, Stream

# ---- an utterance, analysed ---------------------------------------------------------------------


class SpeakerRecognized(Message):
    """Whose voice it is, said while the utterance may still go on."""

    utterance_id: str
    speaker_id: str | None = None
    """Somebody who is enrolled; absent: nobody, or not certainly."""
    score: float
    """Likeness of the nearest, from -1 to 1."""
    after_s: float
    """How much of the utterance it took."""
    patience: float = 1.0
    """This person's pauses, over the usual ones."""


class SignalQuality(Message):
    """How well it was heard."""

    level_dbfs: float
    peak_dbfs: float
    noise_dbfs: float | None = None
    snr_db: float | None = None
    clipped_share: float
    hum_hz: int | None = None
    dropouts: int = 0
    bandwidth_hz: float
    defects: list[str] = Field(default_factory=list)
    """`clipping`, `too_quiet`, `noisy`, `hum`, `dc_offset`, `dropouts`, `narrow_band`, `silent`."""
    advice: list[str] = Field(default_factory=list)
    """What to do about each, in the language that is set."""


class VoiceProsody(Message):
    """How it was said; absent is what there was too little speech for."""

    pitch_hz: float | None = None
    pitch_range_semitones: float | None = None
    jitter_pct: float | None = None
    loudness_dbfs: float | None = None
    speaking_rate: float | None = None
    """Syllables a second."""


class Emotion(Message):
    label: str = "unknown"
    reason: str
    """Why it is that, or why it is unknown."""
    accuracy: float | None = None
    """Share of right answers on labelled speech; absent: never measured."""


class Analysed(Message):
    """What there is to say about an utterance; what is turned off, or failed, is absent."""

    utterance_id: str
    speech_s: float
    speaker: SpeakerRecognized | None = None
    speakers: int | None = None
    """How many voices spoke."""
    quality: SignalQuality | None = None
    prosody: VoiceProsody | None = None
    emotion: Emotion | None = None
    wake_word: str | None = None
    """A wake word that was heard in it."""
    cost_ms: dict[str, float] = Field(default_factory=dict)
    """What each ability took."""


SPEAKER_RECOGNIZED: Event[SpeakerRecognized] = Event(
    "advanced/advanced_voice/speaker/{utterance_id}", SpeakerRecognized, expiry_s=10
)
ANALYSED: Event[Analysed] = Event(
    "advanced/advanced_voice/analysed/{utterance_id}", Analysed, expiry_s=30
)


# ---- voiceprints --------------------------------------------------------------------------------


class SampleChunk(AudioPayload):
    """A recording that is shown to Alicia: kept for a minute, never stored."""

    sample_id: str


class EnrolSpeaker(Message):
    speaker_id: str
    name: Personal
    sample_ids: list[str]
    """At least three recordings of this person alone."""
    consent: bool = False
    """The person agreed that their voiceprint is kept. Without it nothing is."""


class SpeakerEnrolled(Message):
    speaker_id: str
    utterances: int
    agreement: float
    """How alike the recordings were, from 0 to 1."""


class SetPatience(Message):
    """How long somebody may pause before they count as having finished."""

    speaker_id: str
    patience: float | None = Field(default=None, gt=0, le=5)
    """Over the usual pauses; absent: only tell what it is."""


class PatienceSet(Message):
    speaker_id: str
    patience: float


class ForgetSpeaker(Message):
    speaker_id: str


class SpeakerForgotten(Message):
    speaker_id: str
    known: bool
    """Whether there was anything to forget."""


class ListSpeakers(Message):
    export: bool = False
    """With the voiceprints themselves: what is kept about a person is theirs to have."""


class EnrolledSpeaker(Message):
    speaker_id: str
    name: Personal
    utterances: int
    agreement: float
    consent_at: float
    enrolled_at: float
    embedder: str
    patience: float = 1.0
    """Their pauses, over the usual ones."""
    voiceprint: list[float] | None = None


class EnrolledSpeakers(Message):
    speakers: list[EnrolledSpeaker]


class WhoIs(Message):
    sample_id: str


class SpeakerMatch(Message):
    speaker_id: str | None = None
    """Absent: nobody who is enrolled, or not certainly."""
    name: Personal | None = None
    score: float
    threshold: float


SAMPLE: Stream[SampleChunk] = Stream(
    "advanced/advanced_voice/sample/{sample_id}", SampleChunk, expiry_s=10
)
ENROL_SPEAKER: Command[EnrolSpeaker, SpeakerEnrolled] = Command(
    "advanced/advanced_voice/enrol", EnrolSpeaker, reply=SpeakerEnrolled, deadline_s=20
)
SET_PATIENCE: Command[SetPatience, PatienceSet] = Command(
    "advanced/advanced_voice/patience", SetPatience, reply=PatienceSet, idempotent=True
)
FORGET_SPEAKER: Command[ForgetSpeaker, SpeakerForgotten] = Command(
    "advanced/advanced_voice/forget", ForgetSpeaker, reply=SpeakerForgotten
)
LIST_SPEAKERS: Command[ListSpeakers, EnrolledSpeakers] = Command(
    "advanced/advanced_voice/speakers", ListSpeakers, reply=EnrolledSpeakers, idempotent=True
)
WHO_IS: Command[WhoIs, SpeakerMatch] = Command(
    "advanced/advanced_voice/who_is", WhoIs, reply=SpeakerMatch, deadline_s=10, idempotent=True
)
