"""Voice messages: a turn, from an utterance to the spoken reply."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from alicia.contracts.conversation import Exchange, Picture, Topic
from alicia.contracts.devices import HomeSnapshot, Origin, OutcomeKind, Value
from alicia.contracts.kinds import AudioPayload, Command, Event, Message, Personal, State, Stream

# ---- the utterance ------------------------------------------------------------------------------


class AudioChunk(AudioPayload):
    """20 to 100 ms of what a microphone hears."""

    utterance_id: str


AUTO = "auto"
"""In place of a language: whichever is heard."""


class Transcribe(Message):
    utterance_id: str
    turn_id: str
    language: str = "en"
    """BCP 47 language, one of the nine; `auto`: find out which."""
    area_id: str | None = None
    """Where it is said: whether a sentence is whole may depend on it."""
    patience: float = Field(default=1.0, gt=0, le=5)
    """This person's pauses, over the usual ones."""
    max_utterance_s: float = 15.0
    no_speech_s: float = 5.0
    topic: Topic | None = None
    """What the turn before at this satellite was about."""
    home: HomeSnapshot | None = None
    """The home of another time: sentences are whole by its names. For replays."""
    among: list[str] = Field(default_factory=list)
    """With `auto`: the only languages that may be heard; all of the household's where it is
    empty."""


class Listening(Message):
    """An instance is subscribed to this utterance's audio: let it flow, from the first sample."""

    utterance_id: str
    attempt: int = 0


class Partial(Message):
    """A guess while the person may still be speaking."""

    utterance_id: str
    text: Personal
    confidence: float


class EndReason(StrEnum):
    ENDPOINT = "endpoint"
    LIMIT = "limit"
    NO_SPEECH = "no_speech"
    SOURCE_ENDED = "source_ended"
    """The satellite said that nothing follows."""


class UtteranceEnded(Message):
    """The end is decided: the microphone may close."""

    utterance_id: str
    reason: EndReason
    speech_end_ms: float
    """Last sample of speech, from the utterance's start."""
    ended_at: float
    """When it was decided, in seconds since the epoch, by the clock of who decided: to be shown, no
    ground for a decision."""


class Transcript(Message):
    utterance_id: str
    text: Personal
    language: str
    confidence: float
    """0 to 1."""
    alternatives: list[Personal] = Field(default_factory=list)
    speech_end_ms: float = 0
    ended_at: float = 0


AUDIO: Stream[AudioChunk] = Stream("voice/stt/audio/{utterance_id}", AudioChunk, expiry_s=5)
TRANSCRIBE: Command[Transcribe, Transcript] = Command(
    "voice/stt/transcribe", Transcribe, reply=Transcript, deadline_s=30, idempotent=True
)
LISTENING: Event[Listening] = Event("voice/stt/listening/{utterance_id}", Listening, expiry_s=5)
PARTIAL: Event[Partial] = Event("voice/stt/partial/{utterance_id}", Partial, expiry_s=5)
UTTERANCE_ENDED: Event[UtteranceEnded] = Event(
    "voice/stt/ended/{utterance_id}", UtteranceEnded, expiry_s=5
)


# ---- understanding ------------------------------------------------------------------------------


class Understand(Message):
    turn_id: str
    text: Personal
    language: str
    alternatives: list[Personal] = Field(default_factory=list)
    area_id: str | None = None
    """Where it was said: "the light" is the one here."""
    satellite: str
    speaker: str | None = None
    """Who said it: somebody who is enrolled, where their voice was recognized in time. A hint: a
    recording of a voice is taken for it."""
    origin: Origin = Origin.UNKNOWN
    """Whether it was spoken or typed; an answer must come the way that its question did."""
    follows: str | None = None
    """The turn that this one answers or interrupts."""
    dry_run: bool = False
    """Say what would be done; change nothing."""
    topic: Topic | None = None
    """What the turn before at this satellite was about."""
    history: list[Exchange] = Field(default_factory=list[Exchange])
    """What a model answered here lately to the same person, the oldest first."""
    summary: Personal = ""
    """What it was told and answered before that, in a few words of a model's own."""
    picture: Picture | None = None
    """What the sentence is about: it is for a model that sees, and changes nothing."""
    aloud_s: float | None = Field(default=None, gt=0)
    """The reply is spoken: its beginning may be said (CLAUSE) while the rest is made, and the whole
    may then take so long."""
    home: HomeSnapshot | None = None
    """The home of another time, to be understood by in place of this one. Refused but in a dry run:
    what is right for another home is not done in this one."""
    reply_language: str | None = None
    """What to answer in, where somebody has chosen another language than the one they speak."""
    between: list[str] = Field(default_factory=list)
    """Two languages that are interpreted there: the text is said in the other one, and nothing else
    is done. None: it is understood."""

    @property
    def answers_in(self) -> str:
        """The language of the reply."""
        return self.reply_language or self.language


class Preview(Message):
    """Words that somebody may still be speaking."""

    utterance_id: str
    turn_id: str
    text: Personal
    language: str
    area_id: str | None = None
    guessed: bool = False
    """They are not the likeliest words: no lock and no garage door obeys them."""
    topic: Topic | None = None
    """What the turn before at this satellite was about."""
    home: HomeSnapshot | None = None
    """The home of another time."""


class Completeness(StrEnum):
    COMPLETE = "complete"
    """A whole command, and hardly the beginning of a longer one."""
    OPEN = "open"
    """They demand more: "turn on the"."""
    UNKNOWN = "unknown"


class Likely(Message):
    """A sentence that this home can be told, near to what was heard."""

    text: Personal
    meaning: str
    """The same for sentences that ask for the same."""


class Previewed(Message):
    """Nothing was done: speculation has no side effects."""

    completeness: Completeness
    meant: bool = False
    """They come to something: as they are, or as the nearest sentence that can be said here."""
    likely: list[Likely] = Field(default_factory=list[Likely])
    """What may have been said instead, where the words are no command, or "lights" for "light":
    whoever has the audio can tell. Nothing that opens a lock or a garage is among it."""
    revision: int | None = None
    """Of what this home can be told: another than before means that SENTENCES has changed."""


class GetSentences(Message):
    """The plain sentences that this home can be told."""

    language: str


class Sentences(Message):
    """For who listens for these sentences alone; `#` stands for a whole number up to 100."""

    sentences: list[Personal]
    """None of them acts on a lock or a garage door."""
    others: list[Personal] = Field(default_factory=list)
    """Understood too, but not by who knows no more than these: on what is protected, or seldom
    said. To know them keeps them from being taken for one of the others."""
    revision: int
    """The same for the same home, whichever instance tells it."""


class Action(Message):
    """What became of one change on one entity."""

    entity: str
    capability: str
    value: Value
    outcome: OutcomeKind
    error: str | None = None


class AnnouncementWish(Message):
    """What somebody wants to be heard by the others in the house."""

    text: Personal
    areas: list[str] = Field(default_factory=list[str])
    """Only in these; at every other satellite where there are none."""


class Understood(Message):
    turn_id: str
    heard: Personal
    """The sentence that was acted on: the transcript, or what this home can say nearest to it."""
    intent: str
    actions: list[Action] = Field(default_factory=list)
    reply: Personal
    language: str
    expects_reply: bool = False
    """The reply asks something back: the person answers without a wake word."""
    topic: Topic | None = None
    """What it was about, for the next turn; None where about nothing in the home."""
    asks_pin: bool = False
    """It asks for a PIN: of what is said there next, no word and no sound is kept until it is known
    to be none."""
    secret: bool = False
    """What was said held a PIN, or may have: it is kept nowhere, and `heard` is empty."""
    untrusted: bool = False
    """Text from outside this home may speak out of the reply: no model is told it again."""
    announcement: AnnouncementWish | None = None
    """To be announced, which is the router's: the reply says so, and counts where it can begin."""


class GetHome(Message):
    """The home as it is understood by now."""


GET_HOME: Command[GetHome, HomeSnapshot] = Command(
    "voice/ai/home", GetHome, reply=HomeSnapshot, deadline_s=2, idempotent=True
)
UNDERSTAND: Command[Understand, Understood] = Command(
    "voice/ai/understand", Understand, reply=Understood, deadline_s=6, idempotent=True
)

PREVIEW: Command[Preview, Previewed] = Command(
    "voice/ai/preview",
    Preview,
    reply=Previewed,
    deadline_s=0.5,
    idempotent=True,
    doc="Whether the words so far are a whole command.",
)
SENTENCES: Command[GetSentences, Sentences] = Command(
    "voice/ai/sentences", GetSentences, reply=Sentences, deadline_s=5, idempotent=True
)


# ---- speech -------------------------------------------------------------------------------------


class SpeakPriority(StrEnum):
    """Who goes first where several want the same voice."""

    LOW = "low"
    NORMAL = "normal"
    URGENT = "urgent"
    """An alarm, a warning."""


class SpeechPlace(Message):
    """How far a turn's SPEECH has come."""

    sequence: int
    """Number of the next chunk."""
    position: int
    """Samples so far."""
    rate_hz: int


class Speak(Message):
    turn_id: str
    text: Personal
    language: str
    ssml: bool = False
    """The text is SSML (the subset that the voices guide lists); otherwise markup is not obeyed."""
    rate: float = Field(default=1.0, gt=0, le=4.0)
    """How fast; 1 is the voice's own way. Held between 0.5 and 2."""
    pitch: float = Field(default=1.0, gt=0, le=4.0)
    """How high; 1 is the voice's own way. Held between 0.5 and 2."""
    volume_db: float = Field(default=0.0, ge=-20.0, le=6.0)
    """Louder or quieter than all voices are levelled to."""
    voice: str | None = None
    """An engine that is to speak, where it is here; otherwise the language's own order decides."""
    priority: SpeakPriority = SpeakPriority.NORMAL
    after: SpeechPlace | None = None
    """Where this turn's speech stands: it goes on from there. The text may then be empty, to end
    it."""
    more: bool = False
    """More of this turn's speech follows, by another SPEAK: the stream stays open."""


class Spoken(Message):
    turn_id: str
    duration_ms: float
    """Of all of the turn's speech so far."""
    rate_hz: int
    first_audio_at: float
    """Seconds since the epoch."""
    cached: bool = False
    """Nothing had to be made."""
    voice: str | None = None
    """Who began it."""
    place: SpeechPlace | None = None
    """Where the next SPEAK of this turn would go on."""


class Prepare(Speak):
    """Have this ready, without saying it: the latest of a turn counts, older ones are given up."""


class Prepared(Message):
    turn_id: str
    ready: bool
    """It is in memory; False where a later one of this turn took its place."""
    cached: bool = False
    """Nothing had to be made."""


class SpeechChunk(AudioPayload):
    turn_id: str


SPEAK: Command[Speak, Spoken] = Command(
    "voice/tts/speak", Speak, reply=Spoken, deadline_s=10, idempotent=True
)
PREPARE: Command[Prepare, Prepared] = Command(
    "voice/tts/prepare", Prepare, reply=Prepared, deadline_s=10, idempotent=True
)
SPEECH: Stream[SpeechChunk] = Stream("voice/tts/speech/{turn_id}", SpeechChunk, expiry_s=10)


# ---- the turn -----------------------------------------------------------------------------------


class TurnPhase(StrEnum):
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"
    FOLLOW_UP = "follow_up"
    """Waiting for an answer without a wake word."""
    ANNOUNCING = "announcing"
    """An announcement or an intercom call sounds there."""


class CancelReason(StrEnum):
    BARGE_IN = "barge_in"
    """Somebody spoke over the reply."""
    STOP = "stop"
    """Somebody said stop, or pressed it."""
    REVOKED = "revoked"
    """Another satellite heard the same wake word better."""
    SUPERSEDED = "superseded"
    """A newer turn at the same satellite."""
    VANISHED = "vanished"
    """The satellite went away."""


class Cancel(Message):
    """Whoever works for this turn stops; what was already commanded is finished and reported."""

    turn_id: str
    satellite: str
    reason: CancelReason


class Wake(Message):
    """How the wake word was heard. No clock of the satellite's is in it."""

    word: str
    score: float
    """0 to 1, as sure as the detector is."""
    level_db: float | None = None
    """Loudness of the word, in dB below full scale: the nearer satellite hears it louder."""
    age_ms: float = 0
    """How long ago it was heard when this was asked: a duration, so a wrong clock is no matter."""


class Turn(Message):
    """What the satellite is doing. No text: it is retained."""

    satellite: str
    phase: TurnPhase
    turn_id: str | None = None
    language: str | None = None
    """What the reply will be in: BCP 47, or `auto` until it has been heard."""


class OpenTurn(Message):
    """A person wants to say something here."""

    turn_id: str
    """Made by the satellite, so that it hears the reply's audio from the first sample."""
    utterance_id: str
    satellite: str
    area_id: str | None = None
    language: str = "en"
    instance: str | None = None
    """Whose presence tells that the satellite is there, where it is not `satellite`."""
    wake: Wake | None = None
    """Several satellites may have heard it; without it there is no arbitration."""
    follows: str | None = None
    """The turn that this one interrupts or answers."""
    plays: bool = False
    """The satellite says PLAYED when the reply has sounded."""
    dry_run: bool = False
    """Answer, but change nothing in the home."""
    home: HomeSnapshot | None = None
    """The home of another time, that the turn is to be understood by. Refused but in a dry run."""


class TurnOpened(Message):
    turn_id: str


class SayText(Message):
    """A sentence that was typed."""

    turn_id: str
    satellite: str
    text: Personal
    area_id: str | None = None
    language: str = "en"
    speak: bool = False
    dry_run: bool = False
    picture: Picture | None = None
    """What is asked about."""


class Stage(Message):
    stage: str
    ms: float


class TurnRecord(Message):
    """How a turn went; whatever happened, every turn ends in one."""

    turn_id: str
    satellite: str
    language: str
    trace_id: str
    speaker: str | None = None
    """Who spoke, where it is somebody who is enrolled and was recognized."""
    transcript: Personal | None = None
    heard: Personal | None = None
    """The sentence that was acted on, where it is not the transcript's own words."""
    confidence: float | None = None
    intent: str | None = None
    actions: list[Action] = Field(default_factory=list)
    reply: Personal | None = None
    """What was said, an error's sentence included."""
    reply_language: str | None = None
    """Of the reply, where it is another than the language of what was said."""
    error: str | None = None
    """Code of the error that the person was told."""
    spoken: bool = False
    spoken_at: str | None = None
    """Another satellite, where the reply is heard because the person is there now; then `spoken` is
    false, and the satellite of the turn is silent."""
    speech_rate_hz: int | None = None
    stages: list[Stage] = Field(default_factory=list)
    started_at: float
    speech_end_ms: float | None = None
    ended_at: float | None = None
    """When the end of the utterance was decided, by stt's clock."""
    first_audio_at: float | None = None
    """By the clock of tts."""
    cancelled: CancelReason | None = None
    """Why it was ended before its reply had been heard."""
    follows: str | None = None
    expects_reply: bool = False
    """The satellite listens again, without a wake word."""
    asks_pin: bool = False
    """The reply asks for a PIN: whoever shows what is typed hides it."""
    secret: bool = False
    """What was said is kept nowhere, because it held a PIN, or may have."""
    dry_run: bool = False


class StopTurn(Message):
    """Be quiet, and stop what you are doing."""

    satellite: str | None = None
    """What runs there; everywhere where neither is given."""
    turn_id: str | None = None
    reason: CancelReason = CancelReason.STOP


class TurnsStopped(Message):
    turn_ids: list[str]


class ForgetConversations(Message):
    """Forget what was lately said: the last turns with their summary, and what they were about."""

    satellite: str | None = None
    """There alone."""
    person_id: str | None = None
    """What this person is known to have said, wherever. Everything, where neither is given."""


class ConversationsForgotten(Message):
    turns: int


class GetTrace(Message):
    turn_id: str | None = None
    """The last one, where it is not given."""


class TraceSpan(Message):
    name: str
    service: str
    depth: int
    start_ms: float
    """From the start of the turn."""
    duration_ms: float
    error: str | None = None
    attributes: dict[str, str | float | bool] = Field(default_factory=dict)


class TurnTrace(Message):
    record: TurnRecord
    spans: list[TraceSpan]
    """By one clock: where another's differs, its spans are moved."""
    clocks_ahead_ms: dict[str, float] = Field(default_factory=dict)
    """By instance: how far its clock is ahead of the router's, where they differ."""


TURN: State[Turn] = State("voice/router/turn/{satellite}", Turn, expiry_s=600)
OPEN_TURN: Command[OpenTurn, TurnOpened] = Command(
    "voice/router/open", OpenTurn, reply=TurnOpened, deadline_s=4, idempotent=True
)
SAY_TEXT: Command[SayText, TurnRecord] = Command(
    "voice/router/say", SayText, reply=TurnRecord, deadline_s=15, idempotent=True
)
TURN_ENDED: Event[TurnRecord] = Event(
    "voice/router/ended/{satellite}", TurnRecord, expiry_s=30, doc="How a turn went."
)
CANCEL: Event[Cancel] = Event("voice/router/cancel/{turn_id}", Cancel, expiry_s=10)
STOP_TURN: Command[StopTurn, TurnsStopped] = Command(
    "voice/router/stop", StopTurn, reply=TurnsStopped, deadline_s=3, idempotent=True
)
GET_TRACE: Command[GetTrace, TurnTrace] = Command(
    "voice/router/trace", GetTrace, reply=TurnTrace, idempotent=True
)
FORGET_CONVERSATIONS: Command[ForgetConversations, ConversationsForgotten] = Command(
    "voice/router/conversation/forget",
    ForgetConversations,
    reply=ConversationsForgotten,
    idempotent=True,
)
