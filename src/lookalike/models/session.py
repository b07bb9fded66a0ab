"""Opening an ONNX file: the one place that knows how onnxruntime is set up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.errors import ModelError, printable

if TYPE_CHECKING:
    import onnxruntime

Providers = str | Sequence[str]
CPU = "CPUExecutionProvider"


def open_session(
    path: Path, threads: int = 1, providers: Providers = (), model: bytes | None = None
) -> onnxruntime.InferenceSession:
    """A session of the file, or of its edited bytes, on `threads` threads (0: one a core).

    providers: as in `provider_names`. One thread is the default because pictures are described by one process a
    core. ModelError when onnxruntime cannot run the file, or not with the providers asked for.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if model is not None:
        # Weights in files beside the model are looked for relative to the model, which bytes have no place of.
        options.add_session_config_entry(
            "session.model_external_initializers_file_folder_path", str(path.absolute().parent)
        )
    wanted = provider_names(providers)
    try:
        session = ort.InferenceSession(str(path) if model is None else model, options, providers=wanted)
    except failures() as problem:
        raise ModelError(
            f"{printable(path)}: onnxruntime cannot run it ({reason(problem)}); "
            "fetch the model again or use another one"
        ) from problem
    if providers and providers != "auto" and session.get_providers()[0] != wanted[0]:
        raise ModelError(
            f"onnxruntime could not start {wanted[0]}; look after its driver and libraries, or ask for the CPU"
        )
    return session


def provider_names(providers: Providers = ()) -> list[str]:
    """onnxruntime's names for the asked providers, the CPU last.

    "auto": every accelerator that is installed. Otherwise names, long ("CUDAExecutionProvider") or short ("cuda").
    ModelError for one that this onnxruntime does not have.
    """
    if not providers:
        return [CPU]
    import onnxruntime as ort

    there = [name for name in ort.get_available_providers() if not name.startswith("Azure")]
    if providers == "auto":
        return [name for name in there if name != CPU] + [CPU]
    asked = [providers] if isinstance(providers, str) else list(providers)
    by_short = {_short(name): name for name in there}
    missing = [name for name in asked if _short(name) not in by_short]
    if missing:
        raise ModelError(
            f"this onnxruntime has no provider {missing[0]!r}; it has {', '.join(sorted(by_short))}. "
            "Others come with other builds of it, such as onnxruntime-gpu or onnxruntime-openvino"
        )
    found = [by_short[_short(name)] for name in asked]
    return [*dict.fromkeys(name for name in found if name != CPU), CPU]


def _short(name: str) -> str:
    short = name.lower().removesuffix("executionprovider")
    return {"dml": "directml", "nvtensorrtrtx": "tensorrtrtx"}.get(short, short)


def failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises: its own exceptions have no common base in every version."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented", "EPFail")
    own = [getattr(state, name) for name in (*names, "NoModel", "RuntimeException") if hasattr(state, name)]
    return (*own, RuntimeError, ValueError, MemoryError)


def reason(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:200]
