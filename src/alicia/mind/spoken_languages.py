"""Who is spoken to in which language, from what was last said of it."""

from __future__ import annotations

from alicia.contracts.languages import LanguageScope, LanguagesSpoken


class SpokenLanguages:
    """A person's choice goes before that of the satellite where they speak."""

    def __init__(self) -> None:
        self._chosen: dict[tuple[LanguageScope, str], str] = {}
        self._between: dict[str, tuple[list[str], float]] = {}

    def take(self, spoken: LanguagesSpoken) -> None:
        self._chosen = {(one.scope, one.who): one.language for one in spoken.choices}
        self._between = {
            one.satellite: ([one.first, one.second], one.until) for one in spoken.interpretations
        }

    def reply_language(self, satellite: str, speaker: str | None = None) -> str | None:
        """What replies there are in; None: whatever is heard."""
        if speaker is not None and (own := self._chosen.get((LanguageScope.PERSON, speaker))):
            return own
        return self._chosen.get((LanguageScope.SATELLITE, satellite))

    def between(self, satellite: str, now: float) -> list[str]:
        """The two languages that are interpreted there; empty where none are.

        `now` in seconds since the epoch.
        """
        languages, until = self._between.get(satellite, ([], 0.0))
        return languages if now < until else []

    def expected(self, satellite: str, language: str, now: float) -> list[str]:
        """The languages that may be heard there, where `language` is the satellite's own.

        One where only that one is. Who has chosen a language for the replies may go on in it.
        """
        if between := self.between(satellite, now):
            return between
        chosen = self._chosen.get((LanguageScope.SATELLITE, satellite))
        return [language] if chosen in (None, language) else [language, chosen]
