"""Uploaded pictures that are added: kept as they came, under names that cannot do harm."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from lookalike.errors import CollectionError, printable
from lookalike.server.uploads import Upload

LONGEST = 60
SUFFIXES = {"JPEG": "jpg", "MPO": "jpg", "TIFF": "tif", "JPEG2000": "jp2", "RAW": "raw"}


def keep(collection: Path, folder: Path, upload: Upload, form: str) -> Path:
    """Where an upload is kept from now on; the same content under the same name is kept once.

    form: the format that decoding found, which gives the suffix; what the client says of it counts for nothing.
    Raises CollectionError when the folder cannot be written.
    """
    digest = hashlib.sha256(upload.content).hexdigest()
    suffix = SUFFIXES.get(form, re.sub("[^a-z0-9]", "", form.lower())[:8] or "bin")
    path = Path(os.path.abspath(folder)) / f"{_plain(upload.name)}-{digest[:12]}.{suffix}"
    try:
        if not collection.is_dir():
            raise FileNotFoundError
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size == len(upload.content):
            return path
        descriptor, temporary = tempfile.mkstemp(prefix=".upload-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as out:
                out.write(upload.content)
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise CollectionError(f"{printable(folder)} cannot be written: {error.strerror or 'it is gone'}") from error
    return path


def _plain(name: str) -> str:
    """Letters, digits, spaces, dots and dashes of a name without its suffix; never hidden, never empty."""
    stem = name.rpartition(".")[0] or name
    plain = re.sub(r"[^\w .-]", "_", stem).strip(" .")[:LONGEST].strip(" .")
    return plain or "picture"
