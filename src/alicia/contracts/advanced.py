"""Advanced messages: whose voice it is, how it was heard, and what a language model makes of it."""

from __future__ import annotations

from pydantic import Field

from alicia.contracts.conversation import Exchange, Picture
from alicia.contracts.devices import HomeSnapshot, Value
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


# ---- thinking -----------------------------------------------------------------------------------


class Think(Message):
    """A sentence that this home's grammar does not know, for a language model."""

    turn_id: str
    text: Personal
    language: str = "en"
    area_id: str | None = None
    """Where it was said."""
    within_s: float | None = Field(default=None, gt=0)
    """When the asker must have an answer, or an error; grok's own limit where it is later."""
    home: HomeSnapshot | None = None
    """The home of another time; the present one where it is not given."""
    facts: list[Personal] = Field(default_factory=list[Personal])
    """What the speaker told before, to answer from: nothing is changed because of it."""
    manner: Personal = ""
    """Who answers, how, and how the person is addressed: what the model is told of it."""
    history: list[Exchange] = Field(default_factory=list[Exchange])
    """What was said before in this conversation, the oldest first."""
    summary: Personal = ""
    """What was said before that. A model wrote it: nothing is changed because of it."""
    picture: Picture | None = None
    """To be looked at. Then the model is told nothing of the home, and nothing is changed."""
    aloud_s: float | None = Field(default=None, gt=0)
    """CLAUSE is wanted of what is certain while the rest is made. Once one is said, the whole may
    take so long."""


class ProposedChange(Message):
    """Valid for its entity, which is not protected. Nobody has done it."""

    entity: str
    capability: str
    value: Value


class Thought(Message):
    turn_id: str
    reply: Personal
    """What to say; empty where the changes say all. It was not checked: what it claims to have done
    is only true of what is carried out and confirmed."""
    language: str
    changes: list[ProposedChange] = Field(default_factory=list[ProposedChange])
    """For the asker to carry out, all or none."""
    untrusted: bool = False
    """Text from outside this home was read for it, and may speak out of it."""
    provider: str
    input_tokens: int = 0
    """As the server counted them; 0 where it told nothing."""
    output_tokens: int = 0
    first_ms: float = 0
    """To the model's first word."""
    grounded: int = 0
    """Things of this home that the model was told of."""


class Clause(Message):
    """Words of a reply that nothing later can change, said while the rest is still being made."""

    turn_id: str
    number: int = Field(ge=0)
    """Counts from 0. What begins at 0 again is another attempt."""
    text: Personal
    """Put together they are how the reply begins, sign by sign."""


CLAUSE: Event[Clause] = Event("advanced/grok/clause/{turn_id}", Clause, expiry_s=10)
THINK: Command[Think, Thought] = Command("advanced/grok/think", Think, reply=Thought, deadline_s=8)
"""Asked twice it costs twice, so the runtime asks once."""


# ---- words alone --------------------------------------------------------------------------------


class Complete(Message):
    """A text for a language model to work on: it is told nothing of the home, and has no tools."""

    instructions: str
    """What to do with the text. Alicia's own words, nobody else's."""
    text: Personal
    max_tokens: int = Field(default=300, gt=0, le=4000)
    """The longest answer."""
    within_s: float | None = Field(default=None, gt=0)
    """When the asker must have an answer, or an error; grok's own limit where it is later."""
    turn_id: str | None = None
    """CANCEL of this id ends it."""


class Completion(Message):
    text: Personal
    """As the model wrote it; nobody has checked it."""
    provider: str


COMPLETE: Command[Complete, Completion] = Command(
    "advanced/grok/complete", Complete, reply=Completion, deadline_s=8
)
