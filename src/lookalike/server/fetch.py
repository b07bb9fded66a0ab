"""The one way in which this server asks others: fetching a picture by its address, never from inside the own network.

A name is resolved once, every address it has is judged, and the connection goes to the very address that was judged, so
that no later answer of the name service can lead elsewhere (DNS rebinding). Redirects pass the same way again.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from lookalike import __version__
from lookalike.errors import LookalikeError, printable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REDIRECTS = 4
CHUNK = 64 << 10
PORTS = (80, 443)
FORBIDDEN = tuple(
    ipaddress.ip_network(text)
    for text in (
        # what `is_global` of some versions of Python lets pass, of the registries of special-purpose addresses
        *("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4", "168.63.129.16/32"),
        *("::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10"),
    )
)
NAT64, SIX_TO_FOUR = ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("2002::/16")


class FetchError(LookalikeError):
    """An address that is not fetched, or does not answer with a picture; says nothing of what lies behind it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered. name: the last part of its path."""

    name: str
    content: bytes


def is_public(address: Address) -> bool:
    """Whether an address is one of the open internet, whatever way it is written in."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address in SIX_TO_FOUR:
            return is_public(ipaddress.IPv4Address((int(address) >> 80) & 0xFFFFFFFF))
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address in network for network in FORBIDDEN if network.version == address.version)


class Fetcher:
    """Fetches pictures. most: bytes of one; seconds: for all of it, redirects included.

    allowed, ports: which addresses and ports; for tests, which have no open internet.
    """

    def __init__(
        self,
        most: int,
        seconds: float,
        allowed: Callable[[Address], bool] = is_public,
        ports: tuple[int, ...] = PORTS,
    ) -> None:
        self._most, self._seconds, self._allowed, self._ports = most, seconds, allowed, ports
        self._context = ssl.create_default_context()

    def fetch(self, url: str) -> Fetched:
        """The bytes behind an address. Raises FetchError."""
        until = time.monotonic() + self._seconds
        for _ in range(REDIRECTS + 1):
            parts, port = self._parts(url)
            try:
                answer = self._ask(parts, port, until)
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise FetchError(f"{_shown(parts)} {_reason(error, until)}") from None
            if isinstance(answer, Fetched):
                return answer
            url = urljoin(url, answer)
        raise FetchError("the address leads to ever other addresses")

    def _parts(self, url: str) -> tuple[SplitResult, int]:
        """The parts of an address that may be asked, and its port."""
        try:
            parts = urlsplit(url)
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
            host = (parts.hostname or "").encode("idna").decode()
        except ValueError:
            raise FetchError("this is no address of a picture") from None
        if parts.scheme not in ("http", "https") or not host or any(c <= " " or c == "\x7f" for c in url):
            raise FetchError("only addresses that begin with http:// or https:// are fetched")
        if parts.username is not None or parts.password is not None:
            raise FetchError("an address with a name or a password in it is not fetched")
        if port not in self._ports:
            raise FetchError(f"port {port} is not one that is asked for pictures")
        return parts, port

    def _ask(self, parts: SplitResult, port: int, until: float) -> Fetched | str:
        """What an address answers, or where it sends on."""
        host = (parts.hostname or "").encode("idna").decode()
        sock = self._connect(host, port, until)
        held = [sock]
        # a server that sends a byte now and then keeps every read short: the clock ends the whole
        late = threading.Timer(max(0.0, until - time.monotonic()), _shut, (held,))
        late.daemon = True
        late.start()
        try:
            if parts.scheme == "https":
                secure = self._context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
                held.append(secure)
                secure.do_handshake()
            connection = http.client.HTTPConnection(host, port)
            connection.sock = held[-1]
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.putrequest("GET", _ascii(target), skip_accept_encoding=True)
            for name, value in _HEADERS.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            if answer.status in (301, 302, 303, 307, 308) and answer.headers.get("Location"):
                return str(answer.headers["Location"])
            return self._read(parts, answer, until)
        finally:
            late.cancel()
            held[-1].close()

    def _read(self, parts: SplitResult, answer: http.client.HTTPResponse, until: float) -> Fetched:
        if answer.status != 200:
            raise FetchError(f"{_shown(parts)} answers with status {answer.status}")
        kind = (answer.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        if not (kind.startswith("image/") or kind in ("", "application/octet-stream", "binary/octet-stream")):
            raise FetchError(f"{_shown(parts)} is no picture but {printable(kind)[:60]}")
        if (answer.headers.get("Content-Encoding") or "identity").lower() != "identity":
            raise FetchError(f"{_shown(parts)} is sent compressed, which was not asked for")
        promised = answer.length
        if promised is not None and promised > self._most:
            raise FetchError(f"{_shown(parts)} has more than {self._most / 2**20:g} MiB")
        content = bytearray()
        while chunk := answer.read(CHUNK):
            content += chunk
            if len(content) > self._most:
                raise FetchError(f"{_shown(parts)} has more than {self._most / 2**20:g} MiB")
        if time.monotonic() >= until:
            raise TimeoutError
        if promised is not None and len(content) < promised:
            raise FetchError(f"{_shown(parts)} ends before it is whole")
        return Fetched(printable(parts.path.rpartition("/")[2])[:120] or "the picture", bytes(content))

    def _connect(self, host: str, port: int, until: float) -> socket.socket:
        """A connection to an address that was judged. All that the name stands for must be fit to be asked."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        places = [(family, address) for family, _, _, _, address in found if family in _FAMILIES]
        if not places or not all(self._fits(str(address[0])) for _, address in places):
            raise FetchError("addresses inside of networks are not fetched")
        trouble: OSError = OSError("cannot be reached")
        for family, address in places:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.settimeout(max(0.1, until - time.monotonic()))
            try:
                sock.connect(address)
                if self._allowed is is_public and sock.getsockname()[0] == sock.getpeername()[0]:
                    raise FetchError("addresses inside of networks are not fetched")  # this machine, by its public name
            except OSError as error:
                sock.close()
                trouble = error
                continue
            except FetchError:
                sock.close()
                raise
            return sock
        raise trouble

    def _fits(self, text: str) -> bool:
        if "%" in text:  # an address that counts on one link only
            return False
        return self._allowed(ipaddress.ip_address(text))


_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_HEADERS = {
    "User-Agent": f"lookalike/{__version__} (search by address)",
    "Accept": "image/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


def _shut(held: list[socket.socket]) -> None:
    """End a connection from another thread; the one that reads meets its end."""
    try:
        held[-1].shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


def _ascii(target: str) -> str:
    """A path and query as a request line may hold it."""
    from urllib.parse import quote

    return quote(target, safe="/%?&=+:,;@!$'()*~#[]-._")


def _shown(parts: SplitResult) -> str:
    return printable(parts.hostname or "the address")[:100]


def _reason(error: Exception, until: float) -> str:
    if isinstance(error, TimeoutError) or time.monotonic() >= until:
        return "takes too long to answer"
    if isinstance(error, ssl.SSLError):
        return "has no valid certificate"
    return "cannot be reached" if isinstance(error, OSError) else "does not answer as a web server does"
