"""Repetition: a recognizer that writes one sentence several times has heard it once."""

_FEWEST = {True: 3, False: 4}
"""Words, or signs where words don't stand apart, of what is taken for repeated."""
_PUNCTUATION = ".,;:!?…。、，！？ "


def once(text: str) -> str:
    """The text up to where it starts again; unchanged where it doesn't repeat itself to its end.

    >>> once("Turn off everything, turn off everything, turn off")
    'Turn off everything,'
    """
    spaced = " " in text.strip()
    units = text.split() if spaced else list(text)
    bare = [unit.lower().strip(_PUNCTUATION) for unit in units]
    # Less than half of a second round may be another sentence that was begun.
    for round_ in range(_FEWEST[spaced], 2 * len(units) // 3 + 1):
        if all(bare[at] == bare[at - round_] for at in range(round_, len(bare))):
            return (" " if spaced else "").join(units[:round_])
    return text
