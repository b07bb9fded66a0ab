"""What the tests of the server share."""

from __future__ import annotations

import io
import shutil
import time

from lookalike import Collection
from lookalike.server.settings import Role, Token
from samples import living

TOKENS = {role: Token(role, f"secret-of-{role.name}-0123456789") for role in (Role.read, Role.write, Role.admin)}


def jpeg(picture, **options):
    """A picture as the bytes of a JPEG."""
    out = io.BytesIO()
    picture.save(out, "JPEG", **options)
    return out.getvalue()


def names(collection):
    """File name -> id of what a collection holds."""
    with Collection(collection) as album:
        return living(album)


def gone(collection):
    """Delete a collection, as a user may while it is served."""
    shutil.rmtree(collection)


def ended(server, job, seconds=300):
    """A job once it has ended."""
    until = time.monotonic() + seconds
    while job["state"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.05)
        job = server.get(f"/api/v1/jobs/{job['id']}").json()
    return job


def done(server, kind, **asked):
    """A job of a kind, begun and ended."""
    return ended(server, server.post("/api/v1/jobs", json={"kind": kind, **asked}).json())
