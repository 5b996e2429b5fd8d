"""Satellites: who can be spoken to, announcements, intercom, and recordings of turns."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from alicia.contracts.devices import HomeSnapshot
from alicia.contracts.kinds import AudioPayload, Command, Event, Message, Personal, Stream
from alicia.contracts.voice import TurnRecord

# ---- who is there -------------------------------------------------------------------------------


class SatelliteHere(Message):
    """A satellite that stays. Asked again every few seconds: who is silent is gone."""

    satellite: str
    """Its name, the same after each start."""
    instance: str
    """Whose presence tells that it is there."""
    area_id: str | None = None
    language: str = "en"
    plays: bool = True
    """It takes announcements and says PLAYED."""


class Orders(Message):
    """How the house wants a satellite to behave now."""

    volume: float = Field(default=1.0, ge=0, le=1)
    quiet: bool = False
    """It is quiet hours: no earcons."""
    follow_up_s: float = 6.0
    """How long to listen without a wake word after a question."""
    lease_s: float = 30.0
    """When the house forgets it unless it asks again."""


SATELLITE_HERE: Command[SatelliteHere, Orders] = Command(
    "voice/router/here", SatelliteHere, reply=Orders, deadline_s=3, idempotent=True
)


# ---- what is to be heard there ------------------------------------------------------------------


class SoundKind(StrEnum):
    ANNOUNCEMENT = "announcement"
    INTERCOM = "intercom"
    """The stream INTERCOM of this turn id, live."""


class Sound(Message):
    """Let this be heard at a satellite."""

    satellite: str
    turn_id: str
    kind: SoundKind
    text: Personal | None = None
    language: str = "en"
    volume: float = Field(default=1.0, ge=0, le=1)


class Joined(Message):
    """A satellite is subscribed to an intercom call: let it flow."""

    turn_id: str
    satellite: str


class Played(Message):
    """What was to be heard at a satellite has sounded, or was cut short."""

    turn_id: str
    satellite: str
    ms: float
    """How much of it sounded."""
    complete: bool = True
    error: str | None = None
    """Code, where it could not be played."""


SOUND: Event[Sound] = Event("voice/router/sound/{satellite}", Sound, expiry_s=10)
JOINED: Event[Joined] = Event("voice/router/joined/{turn_id}", Joined, expiry_s=10)
PLAYED: Event[Played] = Event("voice/router/played/{turn_id}", Played, expiry_s=10)


class Targets(Message):
    """Where it is to be heard; where the person spoke last if nothing is given."""

    satellites: list[str] = Field(default_factory=list)
    areas: list[str] = Field(default_factory=list)
    everywhere: bool = False


class Announce(Message):
    turn_id: str
    """Made by the asker."""
    text: Personal
    targets: Targets = Targets()
    language: str = "en"
    urgent: bool = False
    """At once, over whatever runs there, in quiet hours too."""


class Report(Message):
    satellite: str
    area_id: str | None = None
    sounded: bool
    error: str | None = None
    """Code, where it was not heard."""


class Announced(Message):
    turn_id: str
    reports: list[Report]


ANNOUNCE: Command[Announce, Announced] = Command(
    "voice/router/announce", Announce, reply=Announced, deadline_s=90, idempotent=True
)


class IntercomChunk(AudioPayload):
    """20 to 100 ms of a live voice."""

    turn_id: str


class OpenIntercom(Message):
    turn_id: str
    satellite: str
    """Who speaks; it hears nothing of itself."""
    targets: Targets = Targets()


class IntercomOpened(Message):
    turn_id: str
    joined: list[str]
    """Satellites where it is heard."""
    reports: list[Report] = Field(default_factory=list)
    """Where it is not."""


OPEN_INTERCOM: Command[OpenIntercom, IntercomOpened] = Command(
    "voice/router/call", OpenIntercom, reply=IntercomOpened, deadline_s=10, idempotent=True
)
INTERCOM: Stream[IntercomChunk] = Stream(
    "voice/router/intercom/{turn_id}", IntercomChunk, expiry_s=5
)


# ---- recordings, where somebody consented -------------------------------------------------------


class RecordingInfo(Message):
    turn_id: str
    satellite: str
    started_at: float
    duration_s: float
    size_bytes: int
    transcript: Personal | None = None


class ListRecordings(Message):
    pass


class Recordings(Message):
    recordings: list[RecordingInfo]
    consented: str
    """The satellites whose turns are kept, as the setting says."""


class GetRecording(Message):
    turn_id: str


class Recording(Message):
    record: TurnRecord
    area_id: str | None = None
    flac_base64: Personal
    """16 kHz mono."""
    home: HomeSnapshot | None = None
    """As it was when the person began to speak."""


class ForgetRecordings(Message):
    turn_id: str | None = None
    """All of them where it is not given."""


class RecordingsForgotten(Message):
    count: int


LIST_RECORDINGS: Command[ListRecordings, Recordings] = Command(
    "voice/router/recordings", ListRecordings, reply=Recordings, idempotent=True
)
GET_RECORDING: Command[GetRecording, Recording] = Command(
    "voice/router/recording", GetRecording, reply=Recording, idempotent=True
)
FORGET_RECORDINGS: Command[ForgetRecordings, RecordingsForgotten] = Command(
    "voice/router/forget", ForgetRecordings, reply=RecordingsForgotten, idempotent=True
)
