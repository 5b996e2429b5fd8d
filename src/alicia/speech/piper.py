"""Piper, in a child process: see `piper_worker.py` for the reason and the protocol."""

import json
import sys
from pathlib import Path

from alicia.errors import DependencyMissingError
from alicia.speech.child import ChildSynthesizer
from alicia.speech.synthesizer import SynthesizerCapabilities

# Run with -P: this folder must not be searched, where "piper" would be this very file.
_WORKER = Path(__file__).with_name("piper_worker.py")


class PiperSynthesizer(ChildSynthesizer):
    """One Piper voice."""

    name = "piper"
    package = "piper"

    def __init__(
        self,
        model: Path,
        *,
        threads: int = 1,
        length_scale: float = 1.0,
        nice: int = 0,
        command: tuple[str, ...] = (sys.executable, "-P", str(_WORKER)),
    ) -> None:
        """`model` is the voice's .onnx file; its .onnx.json lies beside it.

        Raises:
            DependencyMissingError: it does not.
        """
        try:
            config = json.loads(Path(f"{model}.json").read_text("utf-8"))
        except OSError as error:
            raise DependencyMissingError(
                "The Piper voice is not here. Run: alicia models pull", path=str(model)
            ) from error
        # Older voices have no "language"; eSpeak's voice begins with it.
        code = str(config.get("language", {}).get("code") or config["espeak"]["voice"])
        self.language = "zh" if code.startswith("cmn") else code.replace("_", "-").split("-")[0]
        self._length_scale = length_scale
        super().__init__(
            (*command, str(model), str(threads)),
            voice=f"piper-{model.stem}" + (f"-{length_scale:g}" if length_scale != 1 else ""),
            capabilities=SynthesizerCapabilities(
                languages=frozenset({self.language}),
                rate_hz=int(config["audio"]["sample_rate"]),
                streaming=True,
            ),
            nice=nice,
        )

    async def _request(self, text: str, language: str, speed: float) -> dict[str, object]:
        del language
        return {"text": text, "length_scale": self._length_scale / speed}
