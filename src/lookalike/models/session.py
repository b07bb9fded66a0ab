"""Opening an ONNX file: the one place that knows how onnxruntime is set up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import ModelError, printable

if TYPE_CHECKING:
    import onnxruntime

BUNDLED = Path(__file__).parent / "data"
CPU = "CPUExecutionProvider"


def open_session(path: Path, threads: int = 1, providers: Sequence[str] = ()) -> onnxruntime.InferenceSession:
    """A session on `threads` threads (0: one a core). providers: onnxruntime's names, tried before the CPU.

    One thread is the default because pictures are described by one process a core. ModelError when the file is
    missing or not a graph that onnxruntime can run, or when a provider asked for is not installed.
    """
    import onnxruntime as ort

    missing = [name for name in providers if name not in ort.get_available_providers()]
    if missing:
        there = ", ".join(ort.get_available_providers())
        raise ModelError(f"onnxruntime has no {missing[0]} here; it has {there}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(path, options, providers=[*(p for p in providers if p != CPU), CPU])
    except (RuntimeError, ValueError) as error:  # onnxruntime's exceptions share no other base
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{printable(path)}: no network that onnxruntime can run ({reason})") from error
