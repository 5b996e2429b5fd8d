"""ONNX models: the one module that touches `onnxruntime`, imported when it is used."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alicia.errors import DependencyMissingError, EngineError


class OnnxModel:
    """A model with one input and one output. May be shared between threads."""

    def __init__(self, path: Path, *, threads: int = 1, extra: str) -> None:
        """`extra` is the extra of Alicia that brings the library.

        Raises:
            DependencyMissingError: it is not installed.
            EngineError: the file is no model.
        """
        try:
            runtime: Any = importlib.import_module("onnxruntime")
        except ImportError as error:
            raise DependencyMissingError(
                f"The package onnxruntime is not installed. Run: pip install 'alicia[{extra}]'",
                package="onnxruntime",
            ) from error
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EngineError(engine=path.name, reason=type(error).__name__) from error
        self._input: str = self._session.get_inputs()[0].name

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._session.run(None, {self._input: values})[0]
