"""Where the time of a search goes on ten query nodes of Milvus: measured service times, replayed in a simulation.

    python benchmarks/simulation.py PHOTOGRAPHS [--sample 300] [--rows 1000000]

Measured, with a server of the package `milvus` on this machine: which requests a search makes one after the other and
how long our own code works between them (edits of photographs, `auto`); how much processor time of the server a request
of each kind takes among 2,000 made-up rows and among a full segment of them (or --rows), idle work of the server taken
off. A node works off its segments, each as long as the one measured.
Assumed, by the constants below: the machines, and the network between them.
Simulated, event by event: searches that arrive at random, as many a second as keep the busiest machines so busy.
PHOTOGRAPHS: a folder of pictures, only read.
"""

from __future__ import annotations

import argparse
import heapq
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from _photos import read_photos
from _table import Report
from engines import edited

from lookalike import Collection, migrate
from lookalike.index.base import IndexKind
from lookalike.index.keypoints import KeypointKind
from lookalike.methods.factory import make
from lookalike.milvus.address import parse_address
from lookalike.milvus.publish import data_types
from lookalike.milvus.server import Row, Server, Table
from lookalike.milvus.tables import descriptor_fields, keypoint_fields, vectors_of

NODES, CORES = 10, 8  # query nodes, and cores of every machine
PROXIES, SERVERS = 2, 4  # machines of proxies, and of `lookalike serve`
NETWORK = 0.5  # milliseconds there and back
SPLIT = 0.5  # of what a request costs however few rows there are: the proxy's share, the rest is each node's
SEGMENT = 512 << 20  # bytes of a full segment, by Milvus' default
FEW = 2000  # rows that are next to none, but indexed
KEPT = {"phash": 56, "color": 1880, "embedding": 3424}  # letters of a descriptor
BUSY = (0.1, 0.5, 0.8)
SEARCHES = 3000
ALL, WITHOUT_LOCAL = ("phash", "color", "local", "embedding"), ("phash", "color", "embedding")
TOPOLOGIES = ((2_000_000, ALL), (60_000_000, ALL), (200_000_000, WITHOUT_LOCAL))
TIMES = 100  # that a request is measured
IDLE_SECONDS = 8
WRITTEN = 5000
KEY = 8  # bytes
QUERY = "by key"
TICK = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Step:
    """One request of a search: milliseconds of our own code before it; kind: a method, or QUERY; so many vectors."""

    before: float
    kind: str
    vectors: int


@dataclass(frozen=True)
class Trace:
    """What one search did, and how long our own code worked after the last request."""

    steps: tuple[Step, ...]
    after: float


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor of a request: however few rows, and for each segment of so many; rows of a picture."""

    fixed: float
    segment: float = 0.0
    held: int = 1
    rows: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    from milvus import MilvusServer

    with tempfile.TemporaryDirectory() as folder:
        engine = MilvusServer()
        engine.set_base_dir(folder + "/engine")
        engine.start()
        try:
            address = f"milvus://127.0.0.1:{engine.listen_port}/"
            traces = {
                names: traced(asked.photographs, asked.sample, names, Path(folder) / str(len(names)), address)
                for names in (ALL, WITHOUT_LOCAL)
            }
            voters = int(np.median([step.vectors for trace in traces[ALL] for step in voted(trace)]))
            work = partial(server_work, engine.server_proc.pid)
            costs = {name: cost(address, name, asked.rows, voters if name == "local" else 1, work) for name in ALL}
        finally:
            engine.stop()
    costs[QUERY] = Cost(costs["embedding"].fixed)
    show_costs(costs, voters)
    for pictures, names in TOPOLOGIES:
        simulate_rates(pictures, traces[names], costs, f"simulation_{pictures}", ", ".join(names))


def voted(trace: Trace) -> list[Step]:
    return [step for step in trace.steps if step.kind == "local"]


# -- measuring


def traced(photographs: Path, sample: int, names: Sequence[str], place: Path, address: str) -> list[Trace]:
    """What searches among some photographs do, in a collection of these methods."""
    photos = read_photos(photographs)
    picked = np.random.default_rng(1).permutation(len(photos))[:sample]
    with Collection(place) as album:
        album.index([photos[at].path for at in picked], methods=names)
    there = address + f"traced_{len(names)}"
    migrate(place, there)
    found = []
    with Collection(there) as album, recorded(names) as calls:
        queries = list(edited(place_of(photos, picked, place), min(100, sample)))
        album.search(queries[0])
        for query in queries:
            calls.clear()
            started = time.perf_counter()
            album.search(query)
            found.append(trace_of(calls, started, time.perf_counter()))
    return found


def place_of(photos: Sequence[Any], picked: Any, place: Path) -> Path:
    """A folder of links to the photographs that were picked."""
    folder = place.with_name(place.name + "-links")
    folder.mkdir()
    for at in picked:
        (folder / f"{at}{photos[at].path.suffix}").symlink_to(photos[at].path.resolve())
    return folder


@contextmanager
def recorded(names: Sequence[str]) -> Iterator[list[tuple[str, int, float, float]]]:
    """Calls of a server: kind, vectors, begun, ended."""
    calls: list[tuple[str, int, float, float]] = []
    search, query, lock = Server.search, Server.query, threading.Lock()

    def searched(self: Server, table: str, vectors: Any, *rest: Any) -> Any:
        started = time.perf_counter()
        answer = search(self, table, vectors, *rest)
        kind = next(name for name in names if f"_{name}" in table)
        with lock:
            calls.append((kind, len(vectors), started, time.perf_counter()))
        return answer

    def queried(self: Server, *asked: Any, **more: Any) -> list[Row]:
        started = time.perf_counter()
        answer = query(self, *asked, **more)
        with lock:
            calls.append((QUERY, 1, started, time.perf_counter()))
        return answer

    with patch.object(Server, "search", searched), patch.object(Server, "query", queried):
        yield calls


def trace_of(calls: Sequence[tuple[str, int, float, float]], started: float, ended: float) -> Trace:
    steps, last = [], started
    for kind, vectors, begun, done in calls:
        steps.append(Step(1e3 * max(0.0, begun - last), kind, vectors))
        last = done
    return Trace(tuple(steps), 1e3 * (ended - last))


def server_work(pid: int, ask: Callable[[], Any]) -> float:
    """Milliseconds of the server's processor time that a request takes."""

    def spent() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return TICK * (int(fields[11]) + int(fields[12]))

    ask()
    before, started = spent(), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    idle = (spent() - before) / (time.perf_counter() - started)
    before, started = spent(), time.perf_counter()
    for _ in range(TIMES):
        ask()
    return max(0.0, spent() - before - idle * (time.perf_counter() - started)) / TIMES


def cost(address: str, name: str, rows: int, vectors: int, work: Callable[[Callable[[], Any]], float]) -> Cost:
    """What a search in the table of a method costs, by two tables of made-up rows."""
    kind = make(name).index_kind()
    seen = vectors_of(kind)
    size = (seen.dimensions // 8 if seen.binary else 4 * seen.dimensions) + KEPT.get(name, 2 * KEY) + KEY
    held = min(rows, SEGMENT // size)
    few, many = (work_among(address, name, kind, number, vectors, work) for number in (FEW, held))
    return Cost(few, max(0.0, many - few), held, kind.voters if isinstance(kind, KeypointKind) else 1)


def work_among(
    address: str,
    name: str,
    kind: IndexKind[Any, Any],
    rows: int,
    vectors: int,
    work: Callable[[Callable[[], Any]], float],
) -> float:
    server, table, seen = Server(parse_address(address + "costs")), f"cost_{name}_{rows}", vectors_of(kind)
    keypoints = isinstance(kind, KeypointKind)
    fields = (
        keypoint_fields(data_types(), kind) if isinstance(kind, KeypointKind) else descriptor_fields(data_types(), kind)
    )
    server.create([Table(table, fields, seen.index)])
    rng = np.random.default_rng(0)

    def made(number: int) -> list[Any]:
        if seen.binary:
            return [row.tobytes() for row in rng.integers(0, 256, (number, seen.dimensions // 8), np.uint8)]
        return list(rng.standard_normal((number, seen.dimensions)).astype(np.float32))

    for start in range(0, rows, WRITTEN):
        number = min(WRITTEN, rows - start)
        rest = {"picture": 0, "place": 0} if keypoints else {"row": "A" * KEPT[name], "sum": 0}
        server.upsert(table, [{"id": start + at, "vector": one, **rest} for at, one in enumerate(made(number))])
    server.settle([table], lambda done, total: None)
    asked, wanted = made(vectors), ["picture", "place"] if keypoints else ["row", "sum"]
    limit = 8 if keypoints else 60
    spent = work(lambda: server.search(table, asked, limit, "", wanted, seen.effort))
    server.drop(table)
    return spent


def show_costs(costs: Mapping[str, Cost], voters: int) -> None:
    report = Report("simulation_costs", "Measured: processor time of the server for a request")
    for name, one in costs.items():
        what = f"{name}, {voters} keypoints" if name == "local" else name
        per = one.segment * 1e6 * one.rows / one.held
        segment = f"{one.segment:.3g} of {one.held:,} rows" if one.rows else None
        report.row(
            **{
                "request": what,
                "ms, next to no rows": one.fixed,
                "ms more, a segment": segment,
                "ms more, a million pictures": per or None,
            }
        )
    report.show()


# -- simulating


class Cores:
    """Machines that work off what comes, first come, first served."""

    def __init__(self, count: int) -> None:
        self._free = [0.0] * count
        self.worked = 0.0

    def take(self, now: float, work: float) -> tuple[float, float]:
        """When a task that comes now begins, and when it is done."""
        begins = max(now, self._free[0])
        heapq.heapreplace(self._free, begins + work)
        self.worked += work
        return begins, begins + work


class Times(dict[str, float]):
    """Milliseconds of a search by where they went."""

    def __missing__(self, key: str) -> float:
        return 0.0


OURS, PROXY, NODE, SLOWEST, QUEUE, WIRE = "our code", "proxy", "query nodes", "the slowest of ten", "queues", "network"


def simulate_rates(pictures: int, traces: Sequence[Trace], costs: Mapping[str, Cost], file: str, names: str) -> None:
    report = Report(file, f"Simulated: {pictures:,} pictures on {NODES} query nodes, by {names}")
    most = 1e3 / max(loads(pictures, traces, costs).values())
    for busy in BUSY:
        times, spent, used = simulate(pictures, traces, costs, busy * most)
        whole = sum(spent.values())
        middle, tenths, hundredths = np.quantile(times, (0.5, 0.9, 0.99))
        report.row(
            **{
                "searches a second": f"{busy * most:.3g}",
                "nodes busy": f"{100 * used:.0f} %",
                "median ms": f"{middle:,.0f}",
                "nine tenths ms": f"{tenths:,.0f}",
                "99 % ms": f"{hundredths:,.0f}",
                **{name: f"{100 * spent[name] / whole:.0f} %" for name in (OURS, PROXY, NODE, SLOWEST, QUEUE, WIRE)},
            }
        )
    busiest = max(loads(pictures, traces, costs).items(), key=lambda item: item[1])[0]
    report.note(f"at most {most:.3g} searches a second; the {busiest} are busy first")
    report.show()


def loads(pictures: int, traces: Sequence[Trace], costs: Mapping[str, Cost]) -> dict[str, float]:
    """Milliseconds of all cores of a kind of machine that a search takes, on average."""
    ours = np.mean([trace.after + sum(step.before for step in trace.steps) for trace in traces])
    proxy = np.mean([sum(SPLIT * costs[step.kind].fixed for step in trace.steps) for trace in traces])
    node = np.mean([sum(sum(parts_of(pictures, costs[step.kind])) for step in trace.steps) for trace in traces])
    return {
        "servers of lookalike": float(ours) / (SERVERS * CORES),
        "proxies": float(proxy) / (PROXIES * CORES),
        "query nodes": float(node) / CORES,
    }


def parts_of(pictures: int, cost: Cost) -> list[float]:
    """The tasks that a request is to one query node: its segments, shared by as many cores as there are."""
    segments = max(1, round(pictures * cost.rows / NODES / cost.held))
    tasks = min(CORES, segments)
    return [((1 - SPLIT) * cost.fixed + cost.segment * segments) / tasks] * tasks


def simulate(
    pictures: int, traces: Sequence[Trace], costs: Mapping[str, Cost], rate: float
) -> tuple[list[float], Times, float]:
    """Milliseconds of each search, where they went, and how busy the query nodes were."""
    rng = np.random.default_rng(0)
    ours, proxies, nodes = Cores(SERVERS * CORES), Cores(PROXIES * CORES), [Cores(CORES) for _ in range(NODES)]
    arrivals = np.cumsum(rng.exponential(1e3 / rate, SEARCHES))
    picked = rng.integers(0, len(traces), SEARCHES)
    parts = {kind: parts_of(pictures, cost) for kind, cost in costs.items()}
    events = [(float(arrivals[at]), at, 0) for at in range(SEARCHES)]
    heapq.heapify(events)
    done, spent = [], Times()

    def work(cores: Cores, now: float, milliseconds: float, where: str) -> float:
        begins, ends = cores.take(now, milliseconds)
        spent[QUEUE] += begins - now
        spent[where] += milliseconds
        return ends

    def on_nodes(now: float, tasks: Sequence[float]) -> float:
        # no two segments are alike: some lists of an index are longer than others
        each = [[cores.take(now, task * rng.gamma(16, 1 / 16)) for task in tasks] for cores in nodes]
        ends = [max(end for _, end in tasks) for tasks in each]
        waited = float(np.mean([max(begins for begins, _ in tasks) for tasks in each])) - now
        mean = float(np.mean(ends)) - now
        spent[QUEUE] += waited
        spent[NODE] += mean - waited
        spent[SLOWEST] += max(ends) - now - mean
        return max(ends)

    while events:
        now, at, number = heapq.heappop(events)
        trace = traces[picked[at]]
        if number == 2 * len(trace.steps):
            done.append(work(ours, now, trace.after, OURS) - float(arrivals[at]))
        elif number % 2 == 0:
            heapq.heappush(events, (work(ours, now, trace.steps[number // 2].before, OURS), at, number + 1))
        else:
            kind = trace.steps[number // 2].kind
            spent[WIRE] += 2 * NETWORK
            asked = work(proxies, now + NETWORK, SPLIT * costs[kind].fixed, PROXY)
            heapq.heappush(events, (on_nodes(asked, parts[kind]) + NETWORK, at, number + 1))
    last = max(float(arrivals[-1]), 1.0)
    return done, spent, sum(cores.worked for cores in nodes) / (last * NODES * CORES)


if __name__ == "__main__":
    main()
