"""Speech to text and text to speech: engines behind small interfaces, models, the live loop.

Importing this package imports no engine.
"""
