"""The door: every request passes here before anything else looks at it.

Against DNS rebinding the Host must be a name that this server is known by; against posts of other sites the Origin
must be this server's or one that was named; then the token, the visitors' rate, and the size and pace of the body.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.server.errors import RefusedError, answer_to
from lookalike.server.headers import HEADERS
from lookalike.server.rate import Rate
from lookalike.server.settings import Role, Settings, is_loopback
from lookalike.server.tokens import COOKIE, cookie_of, role_of_secret, role_of_session

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
THUMBNAIL = 0.1  # what a thumbnail costs of a visitor's rate: a page shows many
OPEN = frozenset({"/healthz", "/readyz"})


class Guard:
    """Outermost middleware; it finds out the role of a visitor, and refuses what must not come in."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._names = _names(settings)
        self._rate = Rate(settings.limits.rate)
        self._local = is_loopback(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = self._with_headers(send, headers.get("origin"))
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            scope["lookalike.role"] = self._role(scope, headers)
        except RefusedError as error:
            await answer_to(error)(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await self._preflight(scope, headers, receive, send)
            return
        body = Body(receive, headers, self._settings)
        await self._app(scope, body.receive, send)

    def _check_host(self, headers: Headers) -> None:
        host = _hostname(headers.get("host", ""))
        if host in self._names or self._is_address(host):
            return
        raise RefusedError(421, "WrongHost", "this server is not known by that name: start it with --name NAME")

    def _is_address(self, host: str) -> bool:
        """Numbers cannot be rebound to another machine, so those of any of this machine's are fine."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or not self._local

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is not None:
            same = urlsplit(origin).netloc.lower() == headers.get("host", "").lower() and origin != "null"
            if not same and origin not in self._settings.origins:
                raise RefusedError(403, "WrongOrigin", "pages of that site may not ask: start with --cors ORIGIN")
            return
        site = headers.get("sec-fetch-site", "none")
        if site in ("none", "same-origin"):
            return
        if scope["method"] in SAFE_METHODS and (
            headers.get("sec-fetch-mode") == "navigate" or self._settings.origins or self._settings.public
        ):
            return
        raise RefusedError(403, "WrongOrigin", "pages of other sites may not ask")

    def _role(self, scope: Scope, headers: Headers) -> Role:
        settings = self._settings
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if secret and scheme.lower() == "bearer":
            role = role_of_secret(settings.tokens, secret.strip())
            if role is Role.none:
                self._count(scope)  # guessing is slow
                raise RefusedError(401, "Unauthorized", "this token is not known", {"WWW-Authenticate": "Bearer"})
            return role
        cookie = cookie_of(headers.get("cookie", ""), f"{COOKIE}-{settings.port}")
        if cookie and (role := role_of_session(settings.tokens, cookie)):
            return role
        if not settings.tokens and not settings.public and self._local:
            if "forwarded" in headers or "x-forwarded-for" in headers:
                raise RefusedError(403, "Forbidden", "behind a proxy this server needs a token: start it with --token")
            return Role.admin
        if scope["path"] not in OPEN and not scope["path"].startswith("/ui/"):  # the page's own parts
            self._count(scope)
        return Role.visitor if settings.public else Role.none

    def _count(self, scope: Scope) -> None:
        client = scope.get("client")
        cost = THUMBNAIL if scope["path"].endswith("/thumbnail") else 1.0
        wait = self._rate.take(client[0] if client else "", time.monotonic(), cost)
        if wait > 0:
            seconds = str(max(1, round(wait + 0.5)))
            raise RefusedError(429, "TooManyRequests", "too many requests: wait a little", {"Retry-After": seconds})

    async def _preflight(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        from starlette.responses import Response

        allowed = {
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
        }
        await Response(status_code=204, headers=allowed)(scope, receive, send)

    def _with_headers(self, send: Send, origin: str | None) -> Send:
        shared = bool(self._settings.origins)
        named = origin if origin in self._settings.origins else None

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if shared else "same-origin")
                if named:
                    headers["Access-Control-Allow-Origin"] = named
                    headers["Access-Control-Expose-Headers"] = "Retry-After"
                    headers.add_vary_header("Origin")
            await send(message)

        return sending


class Body:
    """A request's body, refused when it is too large or arrives too slowly."""

    def __init__(self, receive: Receive, headers: Headers, settings: Settings) -> None:
        self._receive, self._left = receive, settings.limits.upload_bytes
        self._most = self._left
        self._until = time.monotonic() + settings.limits.upload_seconds
        self._whole = False
        length = headers.get("content-length", "0")
        self._too_large = length.isdigit() and int(length) > self._most

    async def receive(self) -> Message:
        """The next message; RefusedError instead of one too many."""
        if self._whole:
            return await self._receive()
        if self._too_large:
            raise self._large()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            raise RefusedError(408, "Timeout", "the body took too long to arrive", {"Connection": "close"}) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._left < 0:
                raise self._large()
        return message

    def _large(self) -> RefusedError:
        return RefusedError(
            413, "TooLarge", f"a request may have {self._most / 2**20:g} MiB at most", {"Connection": "close"}
        )


def _names(settings: Settings) -> frozenset[str]:
    """The names that this server is reached by, in lower case."""
    own = {settings.host.lower(), *(name.lower() for name in settings.hosts), "localhost"}
    if not is_loopback(settings.host):
        machine = socket.gethostname().lower()
        own |= {machine, f"{machine}.local"}
    return frozenset(own)


def _hostname(host: str) -> str:
    """The name in a Host header, without the port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()
