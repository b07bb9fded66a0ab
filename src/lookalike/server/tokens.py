"""Who may do what: tokens, and the cookie that a page gets for one. Secrets are compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie

from lookalike.errors import QueryError
from lookalike.server.settings import Role, Token

SHORTEST = 16
SESSION_SECONDS = 30 * 24 * 3600
COOKIE = "lookalike"


def parse_token(text: str) -> Token:
    """`SECRET` (admin) or `ROLE:SECRET`. Raises QueryError, which never holds the secret."""
    name, colon, secret = text.partition(":")
    roles = {role.name: role for role in (Role.read, Role.write, Role.admin)}
    role = roles.get(name, Role.admin)
    if not colon or name not in roles:
        secret = text
    if len(secret) < SHORTEST or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise QueryError(f"a token has at least {SHORTEST} letters, digits and signs, and no spaces")
    return Token(role, secret)


def new_token(role: Role = Role.admin) -> Token:
    """A secret that cannot be guessed."""
    return Token(role, secrets.token_urlsafe(24))


def role_of_secret(tokens: Sequence[Token], secret: str) -> Role:
    """The role of a secret, Role.none when it is none of the tokens'."""
    asked, found = _digest(secret), Role.none
    for token in tokens:  # all of them, always: the time tells nothing of which one it was
        same = hmac.compare_digest(_digest(token.secret), asked)
        found = token.role if same and token.role > found else found
    return found


def session_of(token: Token, now: float | None = None) -> str:
    """The value of a cookie that stands for a token for a while, and does not hold it."""
    until = int((time.time() if now is None else now) + SESSION_SECONDS)
    return f"{until}.{_signature(token, until)}"


def role_of_session(tokens: Sequence[Token], cookie: str, now: float | None = None) -> Role:
    """The role of a cookie's value, Role.none when it is out of date or not from here."""
    until, _, signature = cookie.partition(".")
    found = Role.none
    if until.isascii() and until.isdigit() and len(until) < 12:
        for token in tokens:
            same = hmac.compare_digest(_signature(token, int(until)).encode(), signature.encode("utf-8", "replace"))
            found = token.role if same and token.role > found else found
    return found if found and int(until) > (time.time() if now is None else now) else Role.none


def cookie_of(header: str, name: str) -> str | None:
    """The value of a cookie in a request's header."""
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return None if morsel is None else morsel.value


def _signature(token: Token, until: int) -> str:
    return hmac.new(token.secret.encode(), f"lookalike session until {until}".encode(), hashlib.sha256).hexdigest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
