"""The decoding process: `python -m lookalike.server.decoder`, untrusted bytes in, pixels out.

A request is a line of JSON, then the bytes of the picture if they are not in a file; the answer a line of JSON, then
bytes. Nothing that this process says is ever unpickled or run: decoders are where hostile pictures take over programs.
It may not write files, and its memory is bounded.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from typing import IO, Any

from lookalike.errors import ImageError, QueryError

MEMORY = 4 << 30  # of address space: one decoder's limit of 1 GiB and what libraries map
MOST_LINE = 1 << 16


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    _confine()
    import lookalike.pictures.open  # noqa: F401 (loaded before the first picture waits for it)

    _say(answers, {"ready": True}, b"")
    while line := questions.readline(MOST_LINE):
        asked = json.loads(line)
        source = os.fsdecode(bytes.fromhex(asked["path"])) if "path" in asked else questions.read(asked["bytes"])
        try:
            head, body = _webp(source, asked) if asked["want"] == "webp" else _pixels(source, asked)
        except ImageError as error:
            head, body = {"error": error.reason}, b""
        except QueryError as error:
            head, body = {"question": str(error)}, b""
        _say(answers, head, body)


def _pixels(source: str | bytes, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The picture, or the region asked for, in RGB at the working size."""
    from lookalike.pictures.open import open_image
    from lookalike.pictures.region import open_region

    region, most = asked.get("region"), asked["max_pixels"]
    if region is not None:
        open_image(source, max_pixels=most)  # refuses what is too large, at the cost of a small decoding
    image = open_image(source, max_pixels=most) if region is None else open_region(source, tuple(region))
    height, width = image.rgb.shape[:2]
    head = {"width": image.width, "height": image.height, "format": image.format, "shape": [height, width]}
    return head, image.rgb.tobytes()


def _webp(source: str | bytes, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The picture as a WebP whose longest side is at most `size`."""
    from lookalike.pictures.open import open_image

    image = open_image(source, size=asked["size"], max_pixels=asked["max_pixels"])
    out = io.BytesIO()
    image.picture.save(out, "WEBP", quality=80, method=4)
    head = {"width": image.width, "height": image.height, "format": image.format, "length": out.tell()}
    return head, out.getvalue()


def _say(stream: IO[bytes], head: dict[str, Any], body: bytes) -> None:
    stream.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n")
    stream.write(body)
    stream.flush()


def _confine() -> None:
    """No files written, no core dumps, bounded memory; where the system has no such limits, none."""
    with contextlib.suppress(ImportError):
        import resource

        for what, most in (("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0), ("RLIMIT_AS", MEMORY)):
            with contextlib.suppress(ValueError, OSError, AttributeError):
                resource.setrlimit(getattr(resource, what), (most, most))


if __name__ == "__main__":
    main()
