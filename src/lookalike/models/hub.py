"""Where models are installed, and fetching them from the Hugging Face hub when asked to.

A model is looked for in `models_folder()/NAME`, where a user may put its files by hand, then in the hub's own cache,
which other programs share. Nothing is ever fetched unless `fetch` is called. Files are checked by SHA-256: against
the registry's digest, or, where it has none, against the one that the hub's own cache announced at the first
download, kept from then on.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lookalike.errors import ModelError, printable
from lookalike.models.bundle import BUNDLED_FILES
from lookalike.models.checksums import Checksums
from lookalike.models.registry import BUNDLED, Kind, ModelFile, ModelRecord, Role, get, names

MODELS_VARIABLE = "LOOKALIKE_MODELS"
REACHED_WITHIN = 3.0  # seconds
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One line of the list of models. installed: "bundled", the folder of its files, or None. size: bytes, if known."""

    name: str
    kind: Kind
    dimension: int | None
    installed: str | None
    size: int | None
    licence: str
    source: str


def models_folder() -> Path:
    """Where models are put by hand: $LOOKALIKE_MODELS, else `models` in the user's data directory."""
    chosen = os.environ.get(MODELS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("lookalike", appauthor=False)) / "models"


def list_models() -> list[ModelStatus]:
    """All known models, the bundled one first. Looks at names of files only, not into them."""
    return [_status(get(name)) for name in names()]


def installed(record: ModelRecord) -> dict[Role, Path]:
    """The files of a model, checked. ModelError when one is missing, or is not the file it should be."""
    if record.name == BUNDLED:
        raise ModelError(f"{BUNDLED} is bundled and has no files of its own")
    found = _found(record)
    missing = [file.path for file in record.files if file.role not in found]
    if missing:
        raise _missing(record, missing)
    for file in record.files:
        _check(record, file, found[file.role])
    return found


def fingerprint(record: ModelRecord) -> str:
    """The SHA-256 of an installed model's image encoder: vectors of other weights must not be mixed with its own."""
    return Checksums(models_folder()).of(installed(record)["image"])


def fetch(name: str, progress: bool | None = None) -> ModelStatus:
    """Download what is missing of a model, and check everything.

    Honours HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_ENDPOINT and HF_TOKEN. An interrupted download goes on where
    it was; a file appears under its name only when it is whole. progress: show bars on standard error; by default
    only when that is a terminal. Raises ModelError when there is no network or a file is not the expected one.
    """
    record = get(name)
    if not record.source or len(_in_folder(record, models_folder() / record.name)) == len(record.files):
        return verify(name)
    _check_reachable(record)
    with _bars(sys.stderr.isatty() if progress is None else progress):
        for file in record.files:
            _download(record, file)
    installed(record)
    return _status(record)


def verify(name: str) -> ModelStatus:
    """Read every file of an installed model and compare its digest. Raises ModelError."""
    record = get(name)
    if record.name != BUNDLED:
        for role, path in installed(record).items():
            file = record.file(role)
            if file is not None:
                _check(record, file, path, fresh=True)
    return _status(record)


def _status(record: ModelRecord) -> ModelStatus:
    where, size = None, record.size
    if record.name == BUNDLED:
        where, size = "bundled", (BUNDLED_FILES / f"{BUNDLED}.onnx").stat().st_size
    found = _found(record)
    if record.files and len(found) == len(record.files):
        where, size = str(_common_folder(record, found)), sum(path.stat().st_size for path in found.values())
    return ModelStatus(record.name, record.kind, record.dimension, where, size, record.licence, record.source)


def _common_folder(record: ModelRecord, found: dict[Role, Path]) -> Path:
    first = record.files[0]
    return found[first.role].parents[len(Path(first.path).parts) - 1]


def _found(record: ModelRecord) -> dict[Role, Path]:
    """The files that are there: all from one place, so that no model is made of two."""
    folders = [record.folder] if record.folder else [models_folder() / record.name, *_cached(record)]
    candidates = [_in_folder(record, folder) for folder in folders]
    return max(candidates, key=len, default={})


def _in_folder(record: ModelRecord, folder: Path) -> dict[Role, Path]:
    return {file.role: folder / file.path for file in record.files if (folder / file.path).is_file()}


def _cached(record: ModelRecord) -> Iterator[Path]:
    """The model's folder in the hub's cache, by the cache's documented layout: importing huggingface_hub for this
    would cost a search more than the search takes."""
    if not record.source:
        return
    repository = _hub_cache() / f"models--{record.source.replace('/', '--')}"
    try:
        commit = (repository / "refs" / record.revision).read_text("utf-8").strip()
    except (OSError, ValueError):
        commit = record.revision
    yield repository / "snapshots" / commit


def _hub_cache() -> Path:
    cache = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if cache:
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).expanduser() / "huggingface" / "hub"


def _check_reachable(record: ModelRecord) -> None:
    """ModelError at once when there is no network: the hub's library would try again and again first.

    Behind a proxy nobody can tell, and with what is cached already nothing needs to be reached.
    """
    if os.environ.get("HF_HUB_OFFLINE") or urllib.request.getproxies() or len(_found(record)) == len(record.files):
        return
    endpoint = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    address = endpoint.hostname or "", endpoint.port or (80 if endpoint.scheme == "http" else 443)
    problems: list[OSError] = []

    def reach() -> None:
        try:
            socket.create_connection(address, timeout=REACHED_WITHIN).close()
        except OSError as problem:
            problems.append(problem)

    thread = threading.Thread(target=reach, daemon=True)  # a name may take long not to be found
    thread.start()
    thread.join(2 * REACHED_WITHIN)
    if problems or thread.is_alive():
        raise _missing(record, [file.path for file in record.files], f"{address[0]} cannot be reached")


def _download(record: ModelRecord, file: ModelFile) -> None:
    path = _from_hub(record, file, again=False)
    try:
        _check(record, file, path, fresh=True)
    except ModelError:
        # A copy damaged on this disk is worth one more try; one damaged at the source is not worth a third.
        _check(record, file, _from_hub(record, file, again=True), fresh=True)


def _from_hub(record: ModelRecord, file: ModelFile, again: bool) -> Path:
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError as problem:
        raise ModelError("fetching models needs the huggingface_hub package: pip install huggingface_hub") from problem
    # HTTPError is that of whatever HTTP library this version of the package uses.
    named = ("HTTPError", "EntryNotFoundError", "RevisionResolutionError", "XetDownloadError", "HFValidationError")
    own = tuple(getattr(errors, name) for name in named if hasattr(errors, name))
    try:
        path = huggingface_hub.hf_hub_download(
            record.source,
            file.path,
            revision=record.revision,
            cache_dir=_hub_cache(),
            force_download=again,
        )
    except (OSError, RuntimeError, *own) as problem:
        raise _missing(record, [file.path], _reason(problem)) from problem
    return Path(path)


def _reason(problem: BaseException) -> str:
    text = " ".join(str(problem).split()) or type(problem).__name__
    return text if len(text) <= 160 else text[:157] + "..."


def _check(record: ModelRecord, file: ModelFile, path: Path, fresh: bool = False) -> None:
    """ModelError unless the file has the digest that the registry, the hub or the first download gave it."""
    if record.folder is not None:
        return
    checksums = Checksums(models_folder())
    key = f"{record.source}@{record.revision}/{file.path}"
    found = checksums.of(path, fresh)
    expected = file.sha256 or checksums.first_seen(key) or _announced(path) or found
    if found != expected:
        raise ModelError(
            f"{printable(path)}: not {record.name}'s {file.path}, or damaged (its SHA-256 begins with {found[:12]}, "
            f"{expected[:12]} is expected); delete it and run `lookalike models get {record.name}`"
        )
    if file.sha256 is None:
        checksums.keep(key, found)


def _announced(path: Path) -> str | None:
    """The digest that the hub announced: its cache names large files by their SHA-256."""
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) else None


def _missing(record: ModelRecord, files: list[str], reason: str = "") -> ModelError:
    if record.folder is not None:
        return ModelError(f"{printable(record.folder)}: {files[0]} is missing")
    folder = printable(models_folder() / record.name)
    wanted = ", ".join(file.path for file in record.files)
    why = f"could not be fetched ({reason})" if reason else "is not installed"
    start = "Put" if reason else f"`lookalike models get {record.name}` fetches it; without a network, put"
    return ModelError(
        f"{record.name} {why}. {start} {wanted} of the Hugging Face repository {record.source} into {folder}, "
        f"keeping the subfolders, or use {BUNDLED}, which is bundled"
    )


@contextmanager
def _bars(shown: bool) -> Iterator[None]:
    """Progress bars of huggingface_hub on or off for a while: the setting is global there."""
    try:
        from huggingface_hub import utils
    except ImportError:
        yield
        return
    were_off = utils.are_progress_bars_disabled()
    change = utils.enable_progress_bars if shown else utils.disable_progress_bars
    change()
    try:
        yield
    finally:
        (utils.disable_progress_bars if were_off else utils.enable_progress_bars)()
