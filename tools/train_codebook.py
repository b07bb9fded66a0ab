"""Train the codebook of RootSIFT that the package ships, on photographs.

    OMP_NUM_THREADS=1 python tools/train_codebook.py FOLDER [--skip NAME ...]

FOLDER: a thousand or more photographs of many kinds; --skip leaves out subfolders. The strongest 200 keypoints of each
are quantised. Writes src/lookalike/index/rootsift.codebook.npz: means of descriptors, nothing of a picture. Segments
made by another codebook are sealed again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from lookalike.errors import LookalikeError
from lookalike.index.codebook import SHIPPED, Codebook
from lookalike.methods.local import Local
from lookalike.pictures.open import open_image

LISTS = 4096
STRONGEST = 200


def descriptors(folder: Path, skip: set[str]) -> np.ndarray:
    """(n, 128) float32 of all pictures below a folder that can be read."""
    method, found = Local(), []
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not skip & set(path.parts)]
    for path in track(files, "describing"):
        try:
            keypoints = method.describe(open_image(path, size=method.params.size))
        except LookalikeError:
            continue  # a text file beside the pictures, or a broken one
        if keypoints is not None:
            found.append(keypoints.descriptors[:STRONGEST])
    return np.concatenate(found).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--skip", nargs="*", default=[])
    arguments = parser.parse_args()
    rows = descriptors(arguments.folder, set(arguments.skip))
    codebook = Codebook.trained(rows, LISTS)
    with SHIPPED.open("wb") as file:
        np.savez_compressed(file, **codebook.arrays())
    Console().print(f"codebook {codebook.name}: {len(rows)} descriptors, {len(codebook.lists)} lists")


if __name__ == "__main__":
    main()
