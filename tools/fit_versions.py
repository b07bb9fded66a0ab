"""Fit what tells two versions of one photograph from two photographs of one scene.

    python tools/fit_versions.py FOLDER [FOLDER ...] --different FOLDER [FOLDER ...] [--test FOLDER ...] [--rows FILE]

FOLDER: unrelated photographs; each is edited in all ways, and shot again in simulation. --different: photographs of the
same things, in groups that share their names up to the last "_". --test: photographs that are only judged, not learned
from; of --different, every third group. --rows keeps what was measured, for the next run.
Prints how well each kind of edit, left out of the fit, and each kind of shot is told, and writes
src/lookalike/search/versions.json: some eighty numbers, nothing of a picture.
"""

from __future__ import annotations

import argparse
import io
import json
import pickle
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from lookalike.evaluate.edits import EDITS, get
from lookalike.evaluate.shots import KINDS, near_shot
from lookalike.index.hamming import hamming_distances
from lookalike.methods.local import Local
from lookalike.methods.phash import PHash
from lookalike.pictures.open import Image, open_image
from lookalike.search.local import find_in
from lookalike.search.versions import COEFFICIENTS, Coefficients, compare_versions, map_of, terms_of, whole_frame

ALIKE_BITS = 64
TOGETHER = "with other pictures"
AFTERWARDS = ("jpeg-8", "resize-25", "grey", "dark-40", "crop-70", "blur", "mirror", "text-12", "hue-90")
RIDGE = 0.3
PER_FOLDER = 60


@dataclass(frozen=True)
class Row:
    """A pair that was measured. version: whether it is one photograph; kind: the edit or shot; test: judged only.

    terms: with the one for misfit last, nan where keypoints did not agree.
    """

    terms: NDArray[np.float64]
    version: bool
    kind: str
    test: bool
    name: str

    @property
    def complete(self) -> bool:
        """Whether its keypoints say something too."""
        return bool(np.isfinite(self.terms).all())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--different", nargs="+", type=Path, required=True)
    parser.add_argument("--test", nargs="*", type=Path, default=[])
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    arguments = parser.parse_args()
    if arguments.rows and arguments.rows.exists():
        rows: list[Row] = pickle.loads(arguments.rows.read_bytes())
    else:
        rows = [
            *made(arguments.folders, arguments.pairs, test=False),
            *made(arguments.test, arguments.pairs // 2, test=True),
            *real(arguments.different),
        ]
        if arguments.rows:
            arguments.rows.write_bytes(pickle.dumps(rows))
    learned = {}
    for name, chosen in (("pixels", by_pixels(rows)), ("keypoints", [row for row in rows if row.complete])):
        print(f"\n{name}: {len(chosen)} pairs")
        report(chosen)
        learned[name] = asdict(fit([row for row in chosen if not row.test]))
    COEFFICIENTS.write_text(json.dumps(learned, indent=1) + "\n", encoding="ascii")


def by_pixels(rows: list[Row]) -> list[Row]:
    """All pairs, without what their keypoints say."""
    return [replace(row, terms=row.terms[:-1]) for row in rows]


def made(folders: list[Path], count: int, test: bool) -> Iterator[Row]:
    """Pairs of a photograph with its edit, and, half as many, with a simulated other shot of it."""
    random = np.random.default_rng(int(test))
    files = []
    for folder in folders:
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        files += [found[place] for place in random.permutation(len(found))[:PER_FOLDER]]
    random.shuffle(files)  # type: ignore[arg-type]
    edits = [edit.name for edit in EDITS if edit.family != TOGETHER] + ["chain"] * 3
    for number in range(count + count // 2 if files else 0):
        file, seed = files[number % len(files)], int(random.integers(1 << 30))
        picture = PIL.Image.fromarray(open_image(file, size=1200).rgb)
        version = number < count
        if version:
            kind = edits[number % len(edits)]
            names = [kind] if kind != "chain" else random.choice(edits[:-3], int(random.integers(2, 4)), replace=False)
        else:
            kind, names = KINDS[number % len(KINDS)], random.choice(AFTERWARDS, int(random.random() < 0.35))
            picture = near_shot(picture, kind, seed)
        for name in names:
            picture = get(str(name)).apply(picture, seed)
        encoded = io.BytesIO()
        picture.convert("RGB").save(encoded, "JPEG", quality=int(random.integers(70, 95)))
        mirrored = any("mirror" in name for name in names)
        terms = measured(open_image(encoded.getvalue()), file, mirrored)
        if terms is not None:
            yield Row(terms, version, kind, test, f"{file} {' '.join(names)}")


def real(folders: list[Path]) -> Iterator[Row]:
    """All pairs within the groups of photographs of the same things."""
    random = np.random.default_rng(2)
    for folder in folders:
        groups = defaultdict(list)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            groups[file.stem.rpartition("_")[0]].append(file)
        for number, files in enumerate(groups.values()):
            for one, other in combinations(files, 2):
                image, kind = opened(one), f"{folder.name}"
                if random.random() < 0.3:
                    edit = str(random.choice(AFTERWARDS))
                    image, kind = open_image(get(edit).apply(image.picture, 1)), f"{folder.name}, edited"
                terms = measured(image, other, mirrored=True)
                if terms is not None:
                    yield Row(terms, False, kind, number % 3 == 0, f"{one} {other}")


@lru_cache(256)
def opened(file: Path) -> Image:
    return open_image(file)


@lru_cache(256)
def keypoints(file: Path):  # type: ignore[no-untyped-def]
    return Local().describe(opened(file))


def measured(one: Image, file: Path, mirrored: bool) -> NDArray[np.float64] | None:
    """The terms of a pair that geometry or else the hash finds alike; None of others, which are never asked about."""
    other, stored = opened(file), keypoints(file)
    ways = Local().describe_query(one)
    found = find_in(ways if mirrored else ways[:1], stored) if ways and stored is not None else None
    sizes = (one.width, one.height), (other.width, other.height)
    if found is not None:
        start = map_of(found[0].quad, found[0].reverse_quad, *sizes)
    else:
        variant = near_variant(one, other)
        if variant is None:
            return None
        start = whole_frame(*sizes, variant)
    residual = compare_versions(one, other, start)
    misfit = np.nan if found is None else found[0].misfit
    return None if residual is None else terms_of(residual, misfit)


def near_variant(one: Image, other: Image) -> str | None:
    """The variant in which the hashes are near, None when they are not in any."""
    method = PHash()
    stored = method.describe(other)
    if stored is None:
        return None
    code = method.pack(stored)
    found = [
        (int(hamming_distances(code, method.pack(way.descriptor)[0])[0]), way.name)
        for way in method.describe_query(one)
    ]
    bits, name = min(found, default=(ALIKE_BITS + 1, ""))
    return name if bits <= ALIKE_BITS else None


def fit(rows: list[Row]) -> Coefficients:
    """Logistic regression with both sides of equal weight, a ridge on standardised terms, by Newton's method."""
    terms, version = np.array([row.terms for row in rows]), np.array([row.version for row in rows])
    lowest, highest = (np.quantile(terms, share, axis=0) for share in (0.002, 0.998))
    terms = np.clip(terms, lowest, highest)
    mean, deviation = terms.mean(axis=0), terms.std(axis=0) + 1e-9
    design = np.column_stack([np.ones(len(terms)), (terms - mean) / deviation])
    weights = np.where(version, 0.5 / version.mean(), 0.5 / (1 - version.mean()))
    solution = np.zeros(design.shape[1])
    ridge = np.diag([0.0, *[RIDGE] * terms.shape[1]])
    for _ in range(50):
        said = 1 / (1 + np.exp(-design @ solution))
        slope = design.T @ (weights * (version - said)) - ridge @ solution
        curve = (design * (weights * said * (1 - said))[:, None]).T @ design + ridge
        solution = solution + np.linalg.solve(curve + 1e-9 * np.eye(len(curve)), slope)
    scaled = solution[1:] / deviation
    numbers = [
        float(solution[0] - scaled @ mean),
        *([round(float(x), 5) for x in v] for v in (scaled, lowest, highest)),
    ]
    return Coefficients(round(numbers[0], 5), *numbers[1:])


def judged(learned: Coefficients, rows: list[Row]) -> NDArray[np.float64]:
    terms = np.clip([row.terms for row in rows], learned.lowest, learned.highest)
    return learned.intercept + terms @ np.array(learned.weights)


def report(rows: list[Row]) -> None:
    """Each kind judged by what was learned without it; then what was not learned from at all."""
    learning = [row for row in rows if not row.test]
    print(f"{'kind, left out of the fit':28} pairs  called versions  odds: lowest  median  highest")
    for kind in sorted({row.kind for row in learning}):
        asked = [row for row in learning if row.kind == kind]
        show(kind, judged(fit([row for row in learning if row.kind != kind]), asked))
    learned = fit(learning)
    print("other pictures and groups")
    held = [row for row in rows if row.test]
    for kind in sorted({row.kind for row in held}):
        show(kind, judged(learned, [row for row in held if row.kind == kind]))
    for name, chosen in (("learned from", learning), ("held out", held)):
        said, version = judged(learned, chosen), np.array([row.version for row in chosen])
        area = (said[version][:, None] > said[~version][None]).mean()
        kept = (said[version] > said[~version].max()).mean()
        print(f"{name}: AUC {area:.4f}; above the highest of {(~version).sum()} shots: {kept:.1%} of {version.sum()}")
        for row, odds in sorted(zip(chosen, said, strict=True), key=lambda pair: -pair[1] * (1 - 2 * pair[0].version))[
            :12
        ]:
            if (odds > 0) != row.version:
                print(f"  {odds:6.2f} {'version' if row.version else 'shots'} {row.kind}: {row.name}")


def show(kind: str, odds: NDArray[np.float64]) -> None:
    print(
        f"{kind:28} {len(odds):5} {np.mean(odds > 0):15.1%} {odds.min():13.2f} {np.median(odds):7.2f} {odds.max():8.2f}"
    )


if __name__ == "__main__":
    main()
