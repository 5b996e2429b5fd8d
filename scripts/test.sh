#!/usr/bin/env bash
# All tests but the benches, in two processes side by side: houses, which mostly wait (for speech in
# real time, for what was killed to come back), and units, which compute and give way to them.
# Arguments go to both. What the units said is shown at the end; it grows in reports/test-units.log.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

HOUSES=(tests/integration tests/e2e tests/chaos)
UNITS=(tests/contract tests/unit)
LOG=reports/test-units.log
NONE_SELECTED=5 # pytest's code where arguments such as `-k` leave nothing

mkdir -p reports
nice -n 10 .venv/bin/pytest -q -o cache_dir=.pytest_cache/units "${UNITS[@]}" "$@" >"$LOG" 2>&1 &
units=$!
trap 'kill "$units" 2>/dev/null' EXIT

.venv/bin/pytest -q "${HOUSES[@]}" "$@"
of_houses=$?
wait "$units"
of_units=$?
cat "$LOG"

for code in "$of_houses" "$of_units"; do
  [ "$code" = 0 ] || [ "$code" = "$NONE_SELECTED" ] || exit "$code"
done
if [ "$of_houses" = "$of_units" ]; then exit "$of_units"; fi
