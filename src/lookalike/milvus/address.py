"""Where a collection is served: milvus://[TOKEN@]HOST[:PORT]/NAME[?database=DB][&tls=yes]."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from lookalike.errors import CollectionError

SCHEME = "milvus://"
TOKEN_VARIABLE = "LOOKALIKE_MILVUS_TOKEN"
_PORT = 19530
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_FORM = "write milvus://HOST:PORT/NAME"


@dataclass(frozen=True, slots=True)
class Address:
    """A Milvus server and the name of a collection there. token: "user:password" or an API key, never shown."""

    host: str
    port: int
    name: str
    token: str = ""
    database: str = ""
    tls: bool = False

    @property
    def uri(self) -> str:
        """Of the server, as its client takes it."""
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def __str__(self) -> str:
        asked = [f"database={self.database}"] * bool(self.database) + ["tls=yes"] * self.tls
        return f"{SCHEME}{self.host}:{self.port}/{self.name}" + ("?" + "&".join(asked) if asked else "")


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether this names a collection in Milvus, not a directory."""
    return _text(path).startswith(SCHEME)


def parse_address(path: str | os.PathLike[str]) -> Address:
    """An address as it was written. The token may be in the environment instead, where no history of commands keeps
    it. Raises CollectionError."""
    text = _text(path)
    try:
        parts = urlsplit(text)
        port = parts.port or _PORT
    except ValueError as error:
        raise CollectionError(f"an address of Milvus that makes no sense ({error}): {_FORM}") from None
    name, asked = parts.path.strip("/"), dict(parse_qsl(parts.query, keep_blank_values=True))
    if not text.startswith(SCHEME) or not parts.hostname:
        raise CollectionError(f"an address of Milvus without a host: {_FORM}")
    if not _NAME.fullmatch(name):
        raise CollectionError(f"{name!r} is no name of a collection in Milvus (letters, digits and _): {_FORM}")
    if unknown := set(asked) - {"database", "tls"}:
        raise CollectionError(f"an address of Milvus has no {min(unknown)!r}: only database and tls")
    if asked.get("tls", "no") not in ("yes", "no"):
        raise CollectionError("tls is yes or no in an address of Milvus")
    token, _, _ = parts.netloc.rpartition("@")
    token = unquote(token) or os.environ.get(TOKEN_VARIABLE, "")
    return Address(parts.hostname, port, name, token, asked.get("database", ""), asked.get("tls") == "yes")


def working_copy(address: Address) -> Path:
    """The directory from which this machine writes to a collection in Milvus: made when it is first needed, and it
    may be deleted."""
    return _cached("copies", address)


def folder_of(collection: Path) -> Path:
    """Where files that belong to a collection are kept on this machine: in its directory, if it has one."""
    return _cached("served", parse_address(collection)) if is_address(collection) else collection


def _cached(what: str, address: Address) -> Path:
    from platformdirs import user_cache_path

    digest = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    return user_cache_path("lookalike", appauthor=False) / what / f"{address.name}-{digest}"


def _text(path: str | os.PathLike[str]) -> str:
    """A Path makes one slash of two."""
    text = os.fspath(path)
    return re.sub(r"^milvus:/+", SCHEME, text) if text.startswith("milvus:/") else text
