"""What takes long to load and is changed by no test: loaded once for a whole run."""

from __future__ import annotations

from functools import lru_cache

from alicia.language.understanding import Understanding

understanding = lru_cache(Understanding)
"""One of each language. It takes up the names of whatever home it is asked about."""
