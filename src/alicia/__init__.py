"""Alicia: a private, voice-first assistant for the home."""

__version__ = "0.1.0"
