"""`lookalike serve` under sixteen clients while indexing goes on, beside the naive server: one lock, one process.

python benchmarks/serve.py PHOTOS [--pictures 1000] [--requests 400] [--clients 16] [--memory 20000]

PHOTOS: a folder of photographs. Beyond these, pictures are made of two halves of them, so that every picture has others
that show a part of it. The clients' time goes to this machine's cores as well.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import numpy as np
import PIL.Image
from _photos import opened, read_photos
from _table import Report

from lookalike import Collection

BESIDE = 40  # pictures in each of the folders that are indexed while searches go on


def main() -> None:
    """Measure and print the table."""
    options = _options()
    if options.naive:
        _serve_naively(options.photos)
        return
    report = Report("serve", f"{options.clients} clients, {options.pictures:,} pictures, indexing beside")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        count = _fill(options.photos, work / "pictures", options.pictures)
        with Collection(work / "album") as album:
            album.index([work / "pictures"])
            ids = album.ids().tolist()
        copies = _copies(work / "pictures", 100)
        folders = sorted((work / "beside").iterdir(), key=lambda folder: int(folder.name))
        servers = (
            ("lookalike serve", _ours(work), _by_job),
            ("lookalike serve --workers 2", [*_ours(work), "--workers", "2"], _by_job),
            ("one lock", _naive(work), _by_command),
        )
        for turn, (name, command, index) in enumerate(servers):
            with _server(command) as address, _indexing(folders[turn::3], partial(index, work, address)):
                for what, ask in (("by id", _by_id(ids)), ("by a certain copy", _by_copy(copies))):
                    rate, middle, most, errors = _measure(address, ask, options.clients, options.requests)
                    report.row(
                        server=name,
                        search=what,
                        **{"searches a second": rate, "p50 ms": middle, "p95 ms": most},
                        errors=errors,
                    )
                    if name.endswith("2"):
                        wanted = 60 if what == "by id" else 25
                        report.verdict(f"{what}, searches a second", rate, wanted, at_most=False)
                        report.verdict(f"{what}, p95", most, 150, at_most=True, unit=" ms")
        if options.memory:
            _memory(report, work, ids, copies, options)
        report.note(f"{count:,} pictures; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end")
    report.show()


def _memory(report: Report, work: Path, ids: list[int], copies: list[bytes], options: argparse.Namespace) -> None:
    """Resident memory of the server and its decoders before and after many requests."""
    with _server(_ours(work)) as address:
        asks = (_by_id(ids), _by_copy(copies))
        for ask in asks:
            _measure(address, ask, options.clients, 300)
        before = _resident()
        _measure(address, asks[0], options.clients, options.memory // 2)
        _measure(address, asks[1], options.clients, options.memory // 2)
        grown = (_resident() - before) / 2**20
    report.note(f"memory after {options.memory:,} more requests: {before / 2**20:.0f} MB and {grown:+.0f} MB")


def _measure(
    address: str, ask: Callable[[httpx2.Client, int], int], clients: int, requests: int
) -> tuple[float, float, float, int]:
    """Searches a second, milliseconds at the median and at the 95th of 100, and how many were refused or failed."""
    spent: list[float] = []
    errors = 0
    numbers = iter(range(requests))
    lock = threading.Lock()

    def client() -> None:
        nonlocal errors
        with httpx2.Client(base_url=address, timeout=120) as http:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                begun = time.perf_counter()
                try:
                    status = ask(http, number)
                except httpx2.TransportError:
                    status = 0
                took = time.perf_counter() - begun
                with lock:
                    spent.append(took)
                    errors += status != 200

    with httpx2.Client(base_url=address, timeout=600) as http:
        for number in range(clients):  # the first ones open files and start processes
            ask(http, number)
    begun = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = time.perf_counter() - begun
    return len(spent) / whole, 1e3 * float(np.median(spent)), 1e3 * float(np.quantile(spent, 0.95)), errors


def _by_id(ids: list[int]) -> Callable[[httpx2.Client, int], int]:
    return lambda http, number: http.post("/api/v1/search", json={"id": ids[number * 7919 % len(ids)]}).status_code


def _by_copy(copies: list[bytes]) -> Callable[[httpx2.Client, int], int]:
    def ask(http: httpx2.Client, number: int) -> int:
        return http.post("/api/v1/search", files={"image": copies[number % len(copies)]}).status_code

    return ask


def _fill(photos: Path, folder: Path, wanted: int) -> int:
    """Photographs as they are, and beyond those compositions of two halves of others; how many."""
    folder.mkdir()
    known = [image.picture for _, image in opened(read_photos(photos)[:1500])]
    for number in range(wanted):
        picture = known[number % len(known)] if number < len(known) else _composed(known, number)
        picture.save(folder / f"{number:06}.jpg", quality=85)
    for number in range(60 * BESIDE):
        beside = folder.parent / "beside" / str(number // BESIDE)
        beside.mkdir(parents=True, exist_ok=True)
        _composed(known, 10**6 + number).save(beside / f"{number}.jpg", quality=85)
    return wanted


def _composed(known: list[PIL.Image.Image], seed: int) -> PIL.Image.Image:
    """A picture of the left part of one photograph and the right part of another, by a seed."""
    chance = random.Random(seed)
    page = PIL.Image.new("RGB", (480, 320))
    for left in (0, 240):
        picture = chance.choice(known)
        width, height = picture.size
        side = min(width, height) * chance.uniform(0.5, 0.95)
        x, y = chance.uniform(0, width - side * 0.75), chance.uniform(0, height - side)
        box = (max(0.0, x), y, min(float(width), x + side * 0.75), y + side)
        page.paste(picture.resize((240, 320), PIL.Image.Resampling.BICUBIC, box), (left, 0))
    return page


def _copies(folder: Path, count: int) -> list[bytes]:
    """Smaller and stronger compressed copies of pictures, as JPEG files."""
    made = []
    for path in sorted(folder.iterdir())[:: max(1, len(list(folder.iterdir())) // count)][:count]:
        with PIL.Image.open(path) as picture:
            small = picture.resize((max(1, picture.width * 3 // 4), max(1, picture.height * 3 // 4)))
            out = io.BytesIO()
            small.save(out, "JPEG", quality=60)
            made.append(out.getvalue())
    return made


def _ours(work: Path) -> list[str]:
    return [sys.executable, "-m", "lookalike", "-c", str(work / "album"), "serve", "--port", "0", "--root", str(work)]


def _naive(work: Path) -> list[str]:
    return [sys.executable, __file__, str(work / "album"), "--naive"]


@contextmanager
def _server(command: list[str]) -> Iterator[str]:
    """A server's address while it runs."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = None
        while found is None:
            found = re.search(r"http://[0-9.:]+", process.stdout.readline())
        address = found[0]
        while True:
            try:
                httpx2.get(f"{address}/healthz", timeout=5)
                break
            except httpx2.TransportError:
                time.sleep(0.1)
        try:
            yield address
        finally:
            process.terminate()


@contextmanager
def _indexing(folders: list[Path], add: Callable[[Path], None]) -> Iterator[None]:
    """One folder after the other is added by another process, as long as this goes on."""
    stop = threading.Event()

    def index() -> None:
        for folder in folders:
            if stop.is_set():
                return
            add(folder)

    thread = threading.Thread(target=index)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _by_job(_: Path, address: str, folder: Path) -> None:
    """Add a folder as the server does it: by a process that lets searches go first."""
    with httpx2.Client(base_url=address, timeout=60) as http:
        job = http.post("/api/v1/jobs", json={"kind": "index", "paths": [str(folder)]}).json()
        while http.get(f"/api/v1/jobs/{job['id']}").json()["state"] in ("queued", "running"):
            time.sleep(0.2)


def _by_command(work: Path, _: str, folder: Path) -> None:
    command = [sys.executable, "-m", "lookalike", "-c", str(work / "album"), "index", "--workers", "1", str(folder)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _resident() -> int:
    """Bytes of memory of this process' descendants."""
    rows = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,rss="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    parents = {int(pid): (int(parent), int(rss)) for pid, parent, rss in (row.split() for row in rows)}
    family, size = {os.getpid()}, 0
    for _ in range(4):
        family |= {pid for pid, (parent, _) in parents.items() if parent in family}
    for pid in family - {os.getpid()}:
        size += parents.get(pid, (0, 0))[1] << 10
    return size


def _serve_naively(collection: Path) -> None:
    """What one writes in an afternoon: a thread for each client, one lock around everything."""
    album, lock = Collection(collection), threading.Lock()

    class Naive(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(b"{}")

        def do_POST(self) -> None:
            import json
            from email.parser import BytesParser

            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                if self.headers["Content-Type"] == "application/json":
                    found = album.search(id=json.loads(body)["id"])
                else:
                    message = BytesParser().parsebytes(
                        f"Content-Type: {self.headers['Content-Type']}\n\n".encode() + body
                    )
                    found = album.search(message.get_payload()[0].get_payload(decode=True))
                self.answer(json.dumps([one.to_json() for one in found]).encode())

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Naive)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--memory", type=int, default=0, help="also measure memory over so many requests")
    parser.add_argument("--naive", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
