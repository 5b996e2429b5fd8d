"""The one tree of errors, by stable dotted code.

    AliciaError
    ├── InternalError         internal    a defect of ours
    ├── ContractError         contract.   what was said does not fit the contract
    │   ├── MalformedMessageError  .malformed     ├── UndeclaredTopicError  .undeclared
    │   └── UnsupportedVersionError .version
    ├── BusError              bus.        the way there failed
    │   ├── NotConnectedError .not_connected  ├── NoResponderError .no_responder
    │   ├── ResponderLostError .responder_lost ├── DeadlineError .deadline
    │   ├── OverloadedError   .overloaded     └── RefusedError     .refused
    ├── SetupError            setup.      this machine or its settings are not ready
    ├── SecurityError         security.   who are you, may you
    ├── VoiceError            voice.      hearing and speaking
    ├── IntentError           intent.     understanding
    ├── DeviceError           device.     carrying out
    ├── PersonaError          persona.    who answers
    ├── ScheduleError         schedule.   timers, alarms, reminders, and what is planned
    ├── RememberingError      memory.     what people told me
    ├── LanguageError         language.   languages and translation
    ├── PictureError          picture.    what is shown to a model that sees
    └── UpstreamError         upstream.   somebody else's server

An error crosses the bus as its code and its fields, and is raised at the asker as the same class.
A class's docstring is its default message. `retryable` is a fact of the class.
Every code that a person can meet has a phrase in `alicia.language.phrases`.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

_by_code: dict[str, type[AliciaError]] = {}


class AliciaError(Exception):
    """Something went wrong inside Alicia."""

    code: ClassVar[str] = "alicia"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None, **fields: object) -> None:
        self.fields: dict[str, Any] = dict(fields)
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or self.code))

    def __init_subclass__(cls, code: str, retryable: bool | None = None) -> None:
        super().__init_subclass__()
        if code.startswith("."):
            code = cls.__bases__[0].code + code  # type: ignore[attr-defined]
        if code in _by_code:
            raise TypeError(f"error code {code!r} is taken by {_by_code[code].__name__}")
        cls.code = code
        if retryable is not None:
            cls.retryable = retryable
        _by_code[code] = cls

    def __str__(self) -> str:
        message = str(self.args[0])
        if not self.fields:
            return message
        return f"{message} ({', '.join(f'{k}={v}' for k, v in self.fields.items())})"

    @property
    def message(self) -> str:
        """The sentence alone, without the fields."""
        return str(self.args[0])

    def to_wire(self) -> dict[str, Any]:
        """What crosses the bus: code, message and fields."""
        return {"code": self.code, "message": self.message, "fields": self.fields}


_by_code["alicia"] = AliciaError


class InternalError(AliciaError, code="internal"):
    """Something in Alicia failed unexpectedly; the log says what."""


def from_wire(
    code: str, message: str | None = None, fields: dict[str, Any] | None = None
) -> AliciaError:
    """The error that was raised at the other side.

    An unknown code (a newer peer) becomes the nearest known family.
    """
    family = code
    while family not in _by_code:
        family = family.rpartition(".")[0] or "alicia"
    error = _by_code[family](message, **(fields or {}))
    if family != code:
        error.fields.setdefault("code", code)
    return error


def all_codes() -> dict[str, type[AliciaError]]:
    """Every code and its class."""
    return dict(_by_code)


# ---- contract -----------------------------------------------------------------------------------


class ContractError(AliciaError, code="contract"):
    """What was said does not fit the contract."""


class MalformedMessageError(ContractError, code=".malformed"):
    """The message can't be read."""


class UndeclaredTopicError(ContractError, code=".undeclared"):
    """This service did not declare that topic."""


class UnsupportedVersionError(ContractError, code=".version"):
    """This version of the message is not supported."""


# ---- bus ----------------------------------------------------------------------------------------


class BusError(AliciaError, code="bus", retryable=True):
    """The bus could not carry the message."""


class NotConnectedError(BusError, code=".not_connected"):
    """The bus is not connected."""


class NoResponderError(BusError, code=".no_responder"):
    """Nobody serves this command at the moment."""


class ResponderLostError(BusError, code=".responder_lost"):
    """The service that had the command went away before it answered."""


class DeadlineError(BusError, code=".deadline"):
    """There was no answer in time."""


class OverloadedError(BusError, code=".overloaded"):
    """The service has too much to do at the moment."""


class RefusedError(BusError, code=".refused", retryable=False):
    """The broker's access rules refuse this topic."""


# ---- setup --------------------------------------------------------------------------------------


class SetupError(AliciaError, code="setup"):
    """This machine is not ready for Alicia."""


class SettingsError(SetupError, code=".settings"):
    """A setting is not valid."""


class DependencyMissingError(SetupError, code=".dependency_missing"):
    """A program, package or model is missing."""


class NotReadyError(SetupError, code=".not_ready", retryable=True):
    """This part of Alicia is not ready yet."""


# ---- security -----------------------------------------------------------------------------------


class SecurityError(AliciaError, code="security"):
    """That is not allowed."""


class UnauthenticatedError(SecurityError, code=".unauthenticated"):
    """It is not known who is asking."""


class ForbiddenError(SecurityError, code=".forbidden"):
    """The one who asks may not do that."""


class TokenExpiredError(SecurityError, code=".token_expired"):
    """The token has expired."""


class NotPermittedError(SecurityError, code=".not_permitted"):
    """The one who asks may not do that with this thing."""


class PinNeededError(SecurityError, code=".pin_needed"):
    """That needs a PIN."""


class ConfirmationNeededError(SecurityError, code=".confirmation_needed"):
    """That has to be confirmed first."""


class PinWrongError(SecurityError, code=".pin_wrong"):
    """That is not the PIN."""


class PinLockedError(SecurityError, code=".pin_locked"):
    """Too many wrong PINs were given; none is taken for a while."""


class NoPinError(SecurityError, code=".no_pin"):
    """That needs a PIN, and there is none yet; `alicia people pin NAME` sets one."""


# ---- voice --------------------------------------------------------------------------------------


class VoiceError(AliciaError, code="voice"):
    """Hearing or speaking failed."""


class NoSpeechError(VoiceError, code=".no_speech"):
    """No speech was heard."""


class UnclearSpeechError(VoiceError, code=".unclear"):
    """Speech was heard, but not clearly enough to act on it."""


class UnsupportedAudioError(VoiceError, code=".unsupported_audio"):
    """The audio can't be read."""


class UtteranceTooLongError(VoiceError, code=".too_long"):
    """The utterance is longer than Alicia listens."""


class AudioLostError(VoiceError, code=".audio_lost", retryable=True):
    """A part of the audio was lost on the way."""


class TurnCancelledError(VoiceError, code=".cancelled"):
    """The turn was stopped before it was over."""


class AnsweredElsewhereError(VoiceError, code=".answered_elsewhere"):
    """Another satellite has answered the same wake word."""


class NoSatelliteError(VoiceError, code=".no_satellite"):
    """There is no satellite there that can be heard."""


class QuietHoursError(VoiceError, code=".quiet_hours"):
    """It is quiet time there; only what is urgent is said."""


class UnsupportedLanguageError(VoiceError, code=".unsupported_language"):
    """That language is not available here."""


class VoiceprintError(VoiceError, code=".voiceprint"):
    """A voice could not be learned, or is not known."""


class EngineError(VoiceError, code=".engine"):
    """A speech engine failed."""


class MarkupError(VoiceError, code=".markup"):
    """The markup of a text to be spoken is not understood."""


# ---- intent -------------------------------------------------------------------------------------


class IntentError(AliciaError, code="intent"):
    """The sentence could not be turned into something to do."""


class NotUnderstoodError(IntentError, code=".not_understood"):
    """The sentence was not understood."""


class AmbiguousError(IntentError, code=".ambiguous"):
    """The sentence fits several things."""


class MissingSlotError(IntentError, code=".missing_slot"):
    """The sentence lacks something that is needed."""


class TimeNotUnderstoodError(IntentError, code=".time"):
    """The sentence speaks of a time that was not understood, so nothing was done."""


class NoTimekeeperError(IntentError, code=".no_timekeeper"):
    """Nobody here keeps time at the moment, so nothing was planned."""


class NoOppositeError(IntentError, code=".no_opposite"):
    """What was asked for a while has no clear opposite that would end it."""


class UnsupportedIntentError(IntentError, code=".unsupported"):
    """The sentence was understood, but Alicia can't do that yet."""


# ---- device -------------------------------------------------------------------------------------


class DeviceError(AliciaError, code="device"):
    """The device did not do it."""


class UnknownEntityError(DeviceError, code=".unknown_entity"):
    """There is no such thing in this home."""


class UnavailableError(DeviceError, code=".unavailable"):
    """The device can't be reached."""


class NotCapableError(DeviceError, code=".not_capable"):
    """The device can't do that."""


class InvalidValueError(DeviceError, code=".invalid_value"):
    """The device does not take that value."""


class UnconfirmedError(DeviceError, code=".unconfirmed"):
    """The device was told, but did not confirm it."""


class NoMeterError(DeviceError, code=".no_meter"):
    """The device does not tell what power it draws, so nobody knows when it is done."""


class IdleError(DeviceError, code=".idle"):
    """The device draws no power to speak of: it is not at work."""


class NoAlarmPanelError(DeviceError, code=".no_alarm_panel"):
    """There is no alarm system in this home."""


# ---- persona ------------------------------------------------------------------------------------


class PersonaError(AliciaError, code="persona"):
    """Something about a persona is not right."""


class UnknownPersonaError(PersonaError, code=".unknown"):
    """There is no such persona, or no such version of it."""


class InvalidPersonaError(PersonaError, code=".invalid"):
    """A persona can't be like that."""


class PersonaInUseError(PersonaError, code=".in_use"):
    """The persona still answers for somebody: assign another first."""


class BundledPersonaError(PersonaError, code=".bundled"):
    """The persona came with Alicia: it can be changed and restored, not deleted."""


# ---- schedules ----------------------------------------------------------------------------------


class ScheduleError(AliciaError, code="schedule"):
    """It can't be planned like that."""


class UnknownScheduleError(ScheduleError, code=".unknown"):
    """There is no such timer, alarm, reminder or plan."""


class AmbiguousScheduleError(ScheduleError, code=".ambiguous"):
    """There are several; say which one."""


class InvalidScheduleError(ScheduleError, code=".invalid"):
    """What is to happen, or when, is not told in a way that can be kept."""


class PastScheduleError(ScheduleError, code=".past"):
    """That time is over."""


class NoLocationError(ScheduleError, code=".no_location"):
    """Where the home is must be known for sunrise and sunset: set latitude and longitude."""


class TooManySchedulesError(ScheduleError, code=".too_many"):
    """There are as many as can be kept."""


class NotATimerError(ScheduleError, code=".not_a_timer"):
    """Only a timer can be paused, made longer or made shorter."""


class OpensLaterError(ScheduleError, code=".opens"):
    """What needs a PIN is not done at a later time, when nobody gives it."""


class InterruptedScheduleError(ScheduleError, code=".interrupted"):
    """The house went off while it was being carried out, and came back too late to go on."""


# ---- memory --------------------------------------------------------------------------------------


class RememberingError(AliciaError, code="memory"):
    """What people told me can't be kept or found."""


class UnknownFactError(RememberingError, code=".unknown"):
    """There is no such fact (any more)."""


class MemoryFullError(RememberingError, code=".full"):
    """So much is remembered for this person that something must be forgotten first."""


class NotKeptError(RememberingError, code=".not_kept"):
    """What a guest, or a voice that is not recognized, tells is not kept in this home."""


class SecretNotKeptError(RememberingError, code=".confidential"):
    """PINs and passwords are not kept."""


# ---- language -----------------------------------------------------------------------------------


class LanguageError(AliciaError, code="language"):
    """Something about a language did not work."""


class UndetectedLanguageError(LanguageError, code=".undetected"):
    """It can't be told which language that is."""


class NoTranslatorError(LanguageError, code=".no_translator"):
    """Nobody here translates between these languages at the moment."""


class UntranslatedError(LanguageError, code=".untranslated"):
    """What came back is no translation."""


class SameLanguageError(LanguageError, code=".same"):
    """The text is in that language already."""


class PrivateTextError(LanguageError, code=".private"):
    """The text holds something that does not leave this home."""


# ---- pictures -----------------------------------------------------------------------------------


class PictureError(AliciaError, code="picture"):
    """Something is wrong with a picture."""


class NoPictureError(PictureError, code=".unreadable"):
    """That is no JPEG, PNG or WebP picture that can be read."""


class PictureTooLargeError(PictureError, code=".too_large"):
    """The picture is too large."""


# ---- upstream -----------------------------------------------------------------------------------


class UpstreamError(AliciaError, code="upstream"):
    """A server outside this home failed."""


class ConnectivityError(UpstreamError, code=".connectivity", retryable=True):
    """A server outside this home can't be reached."""


class UpstreamAuthError(UpstreamError, code=".auth"):
    """A server outside this home does not take the key it was given."""


class QuotaError(UpstreamError, code=".quota"):
    """What may be spent on a server outside this home is spent."""


class RateLimitError(UpstreamError, code=".rate_limit", retryable=True):
    """A server outside this home was asked too often."""


class ServerError(UpstreamError, code=".server", retryable=True):
    """A server outside this home failed to answer."""


class LateError(UpstreamError, code=".late", retryable=True):
    """A server outside this home took too long."""


class GarbledError(UpstreamError, code=".garbled"):
    """A server outside this home answered something that can't be used."""


class DeclinedError(UpstreamError, code=".declined"):
    """A model declined to answer that."""


class BrokeOffError(UpstreamError, code=".broke_off"):
    """An answer whose beginning was spoken did not come to its end."""


class NoProviderError(UpstreamError, code=".no_provider"):
    """No language model is set up for this home."""


class NoSightError(UpstreamError, code=".no_sight"):
    """No language model that could be asked sees pictures."""
