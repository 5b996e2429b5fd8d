"""Transducers of a few hundred bytes: they say "tick tock" as long as there is sound.

Made here, because no package carries a real one; sherpa-onnx runs them like any other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

_FLOAT, _INT64 = TensorProto.FLOAT, TensorProto.INT64
# Log-mel of silence is about -16 here, that of the tests' noise about 16.
_SILENCE = 12.0


def write_streaming(folder: Path) -> Path:
    """One column for every 4 frames, from 9: how loud they are."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["encoder_out"], axes=[1, 2], keepdims=1),
        helper.make_node("Identity", ["h"], ["next_h"]),
        helper.make_node("Identity", ["c"], ["next_c"]),
    ]
    state = [1, "N", 1]
    _save(
        folder / "encoder.onnx",
        nodes,
        [("x", _FLOAT, ["N", 9, 80]), ("h", _FLOAT, state), ("c", _FLOAT, state)],
        [
            ("encoder_out", _FLOAT, ["N", 1, 1]),
            ("next_h", _FLOAT, state),
            ("next_c", _FLOAT, state),
        ],
        {
            "model_type": "lstm",
            "num_encoder_layers": 1,
            "T": 9,
            "decode_chunk_len": 4,
            "rnn_hidden_size": 1,
            "d_model": 1,
        },
    )
    return _write_rest(folder)


def write_whole(folder: Path) -> Path:
    """The same for whole utterances: every fourth frame."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["loudness"], axes=[2], keepdims=1),
        helper.make_node("Slice", ["loudness", "zero", "far", "time", "four"], ["encoder_out"]),
        helper.make_node("Add", ["x_lens", "three"], ["more"]),
        helper.make_node("Div", ["more", "four"], ["encoder_out_lens"]),
    ]
    _save(
        folder / "encoder.onnx",
        nodes,
        [("x", _FLOAT, ["N", "T", 80]), ("x_lens", _INT64, ["N"])],
        [("encoder_out", _FLOAT, ["N", "U", 1]), ("encoder_out_lens", _INT64, ["N"])],
        {"model_type": "zipformer"},
        {"zero": 0, "far": 1 << 30, "time": 1, "four": 4, "three": 3},
    )
    return _write_rest(folder)


def _write_rest(folder: Path) -> Path:
    """The decoder tells the last token; the joiner wants "tock" after "tick"."""
    _save(
        folder / "decoder.onnx",
        [
            helper.make_node("Slice", ["y", "one", "two", "one"], ["last"]),
            helper.make_node("Cast", ["last"], ["decoder_out"], to=_FLOAT),
        ],
        [("y", _INT64, ["N", 2])],
        [("decoder_out", _FLOAT, ["N", 1])],
        {"vocab_size": 3, "context_size": 2},
        {"one": 1, "two": 2},
    )
    _save(
        folder / "joiner.onnx",
        [
            helper.make_node("Add", ["encoder_out", "silence"], ["loud"]),
            helper.make_node("Sub", ["decoder_out", "tick"], ["off"]),
            helper.make_node("Mul", ["off", "off"], ["squared"]),
            helper.make_node("Mul", ["squared", "much"], ["no_tock"]),
            helper.make_node("Sub", ["much", "no_tock"], ["no_tick"]),
            helper.make_node("Sub", ["loud", "loud"], ["blank"]),
            helper.make_node("Sub", ["loud", "no_tick"], ["tick_score"]),
            helper.make_node("Sub", ["loud", "no_tock"], ["tock_score"]),
            helper.make_node("Concat", ["blank", "tick_score", "tock_score"], ["logit"], axis=1),
        ],
        [("encoder_out", _FLOAT, ["N", 1]), ("decoder_out", _FLOAT, ["N", 1])],
        [("logit", _FLOAT, ["N", 3])],
        {"joiner_dim": 1},
        {"silence": _SILENCE, "tick": 1.0, "much": 100.0},
    )
    (folder / "tokens.txt").write_text("<blk> 0\n▁tick 1\n▁tock 2\n", "utf-8")
    return folder


def _save(
    path: Path,
    nodes: Sequence[Any],
    inputs: Sequence[tuple[str, int, list[Any]]],
    outputs: Sequence[tuple[str, int, list[Any]]],
    notes: Mapping[str, object],
    constants: Mapping[str, float] | None = None,
) -> None:
    values = [
        helper.make_tensor(name, _FLOAT if isinstance(value, float) else _INT64, [1], [value])
        for name, value in (constants or {}).items()
    ]
    graph = helper.make_graph(
        list(nodes),
        path.stem,
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
        values,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    for key, value in notes.items():
        note = model.metadata_props.add()
        note.key, note.value = key, str(value)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
