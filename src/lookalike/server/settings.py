"""How a collection is served: where, for whom, and how much at once."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from lookalike.errors import printable
from lookalike.milvus.address import folder_of, is_address, parse_address

DEFAULT_PORT = 8008


class Role(IntEnum):
    """What a visitor may do; each role may do what the lower ones may.

    visitor: search, thumbnails and what pictures are, without a token, on a public server. read: also originals, places
    and duplicates. write: also add, delete and index. admin: also move duplicates away; sees whole paths.
    """

    none = 0
    visitor = 1
    read = 2
    write = 3
    admin = 4


@dataclass(frozen=True, slots=True)
class Token:
    """A secret and what it allows. It is never shown by repr, so that no log or traceback can hold it."""

    role: Role
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one visitor, and all together, may ask for.

    upload_bytes: of one request's body. pixels: of one picture. upload_seconds: for a body to arrive. decode_seconds:
    for one picture. searches: at once; queue: waiting for their turn. decodes: worker processes. fetches: at once.
    rate: requests a minute of one address without a token; k: pictures in one answer.
    """

    upload_bytes: int = 32 << 20
    pixels: int = 100_000_000
    upload_seconds: float = 30.0
    decode_seconds: float = 15.0
    searches: int = field(default_factory=lambda: os.cpu_count() or 1)
    queue: int = 64
    decodes: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))
    fetches: int = 4
    rate: int = 120
    k: int = 10_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `lookalike serve` was told.

    tokens: none means that whoever reaches the address is admin, which is allowed on loopback only. public: reading
    without a token. origins: of other sites whose pages may ask. hosts: names, besides the address, that the server is
    reached by. fetch: whether searches by URL are answered. roots: folders from which pictures may be added by path.
    uploads: where uploaded pictures are kept. move_to: where plans move duplicates; None: they may not. runtime: a
    private folder that all workers of this server share.
    """

    collection: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    tokens: tuple[Token, ...] = ()
    public: bool = False
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    fetch: bool = True
    roots: tuple[Path, ...] = ()
    uploads: Path | None = None
    move_to: Path | None = None
    runtime: Path | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def uploads_folder(self) -> Path:
        """Where uploaded pictures are kept: in the collection's directory unless another folder is named."""
        return self.uploads or self.folder / "uploads"

    @property
    def place(self) -> str:
        """The collection, as people are told of it."""
        return str(parse_address(self.collection)) if is_address(self.collection) else printable(self.collection)

    @property
    def folder(self) -> Path:
        """Where files of this server are kept: thumbnails, uploads, results."""
        return folder_of(self.collection)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address that is bound."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
