"""A network of one hidden layer, learned in numpy alone: seconds for a wake word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_HIDDEN, _BATCH = 32, 256
_RATE, _DECAY, _KEEP = 1.5e-3, 1e-3, 0.7
_RIGHT_SHARE = 0.3


def fit(
    inputs: Floats, answers: Floats, rounds: int, chance: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats, Floats, float]:
    """Mean, scale, hidden weights and biases, output weights and bias. Adam, dropout, weight decay.

    Answers are rare: each batch has a fixed share of them, and half of the others are those that
    the network so far finds hardest to tell from them.
    """
    mean = inputs.mean(axis=0)
    scale = 1 / (inputs.std(axis=0) + 1e-3)
    right, wrong = np.flatnonzero(answers > 0.5), np.flatnonzero(answers < 0.5)
    size = inputs.shape[1]
    values: list[Floats] = [
        (chance.normal(size=(size, _HIDDEN)) / np.sqrt(size)).astype(np.float32),
        np.zeros(_HIDDEN, np.float32),
        (chance.normal(size=_HIDDEN) / np.sqrt(_HIDDEN)).astype(np.float32),
        np.zeros(1, np.float32),
    ]
    first = [np.zeros_like(value) for value in values]
    second = [np.zeros_like(value) for value in values]
    hard = wrong
    many = int(_BATCH * _RIGHT_SHARE)
    for number in range(1, rounds + 1):
        if number % 200 == 0:
            hard = _hardest(inputs, wrong, mean, scale, values, chance)
        rest = (_BATCH - many) // 2
        chosen = np.concatenate(
            [chance.choice(right, many), chance.choice(wrong, rest), chance.choice(hard, rest)]
        )
        batch = (inputs[chosen] - mean) * scale
        steps = _slopes(batch, answers[chosen], values, chance)
        rate = _RATE * (0.5 * (1 + np.cos(np.pi * number / rounds)) + 0.02)
        for at, step in enumerate(steps):
            first[at] += 0.1 * (step - first[at])
            second[at] += 0.001 * (step**2 - second[at])
            unbiased = first[at] / (1 - 0.9**number)
            spread = np.sqrt(second[at] / (1 - 0.999**number)) + 1e-8
            values[at] -= (rate * (unbiased / spread + _DECAY * values[at])).astype(np.float32)
    hidden, hidden_bias, out, out_bias = values
    return mean, scale, hidden, hidden_bias, out, float(out_bias[0])


def _slopes(
    batch: Floats, wanted: Floats, values: list[Floats], chance: np.random.Generator
) -> list[Floats]:
    hidden, hidden_bias, out, out_bias = values
    raw = batch @ hidden + hidden_bias
    kept = (chance.random(raw.shape) < _KEEP).astype(np.float32) / _KEEP
    seen = np.maximum(raw, 0) * kept
    said = 1 / (1 + np.exp(-np.clip(seen @ out + out_bias[0], -30, 30)))
    # A little doubt in every answer, or the scores become all 0 and 1 and no threshold helps.
    error = (said - (0.98 * wanted + 0.01)).astype(np.float32) / len(batch)
    back = np.outer(error, out) * (raw > 0) * kept
    slopes = (batch.T @ back, back.sum(axis=0), seen.T @ error, error.sum(keepdims=True))
    return [slope.astype(np.float32) for slope in slopes]


def _hardest(
    inputs: Floats,
    wrong: NDArray[np.intp],
    mean: Floats,
    scale: Floats,
    values: list[Floats],
    chance: np.random.Generator,
) -> NDArray[np.intp]:
    hidden, hidden_bias, out, _ = values
    some = chance.choice(wrong, min(len(wrong), 20_000), replace=False)
    seen = np.maximum(0, ((inputs[some] - mean) * scale) @ hidden + hidden_bias) @ out
    return some[np.argsort(-seen)[: max(_BATCH, len(some) // 50)]]
