"""Sound as numbers: files in and out, voice activity, endpointing."""
