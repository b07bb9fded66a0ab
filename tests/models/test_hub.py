from __future__ import annotations

import hashlib
import os
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import errors, utils
from tiny import open_clip_folder, unpacked, write

from lookalike.errors import ModelError
from lookalike.models import checksums, hub, registry
from lookalike.models.clip import open_image_model, open_text_model
from lookalike.models.pixels import Preprocess
from lookalike.models.registry import ModelFile, ModelRecord

CONTENTS = {
    "onnx/vision_model.onnx": unpacked("data/vision_dynamic.onnx"),
    "onnx/text_model.onnx": unpacked("data/text_dynamic.onnx"),
    "tokenizer.json": unpacked("golden/clip_tokenizer.json"),
}
ROLES = dict(zip(CONTENTS, ("image", "text", "tokenizer"), strict=True))
COMMIT = "c" * 40


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def record(dimension=12, **digests) -> ModelRecord:
    """A tiny CLIP called "tiny"; digests by role, of the true contents unless given, None for an unknown one."""
    files = tuple(
        ModelFile(role, path, digests.get(role, digest(CONTENTS[path])), len(CONTENTS[path]))
        for path, role in ROLES.items()
    )
    return ModelRecord(
        "tiny", "image-text", dimension, Preprocess(64), "MIT", files, source="someone/tiny", revision="main"
    )


@pytest.fixture
def register(monkeypatch):
    def use(made: ModelRecord) -> ModelRecord:
        monkeypatch.setattr(registry, "_RECORDS", (registry.get("efficientnet-lite0"), made))
        return made

    return use


class FakeHub:
    """Stands for huggingface_hub's download: puts files into the cache as it lays them out, and counts."""

    def __init__(self, cache: Path) -> None:
        self.cache, self.contents, self.calls = cache, dict(CONTENTS), []
        self.damaged: set[str] = set()

    def download(self, repo_id, filename, *, revision, cache_dir, force_download=False):
        assert Path(cache_dir) == self.cache
        self.calls.append((filename, force_download))
        repository = self.cache / f"models--{repo_id.replace('/', '--')}"
        target = repository / "snapshots" / COMMIT / filename
        write(repository / "refs" / revision, COMMIT.encode())
        if force_download or not target.exists():
            content = self.contents[filename]
            blob = repository / "blobs" / digest(content)
            write(blob, content[:-1] + b"!" if filename in self.damaged else content)
            self.damaged.discard(filename)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(os.path.relpath(blob, target.parent))
        return str(target)


@pytest.fixture
def fake(tmp_path, monkeypatch) -> FakeHub:
    made = FakeHub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", made.download)
    return made


def test_a_fetched_model_works_and_is_listed_with_its_place(register, fake, tmp_path):
    tiny = register(record())
    assert [(s.name, s.installed) for s in hub.list_models()] == [("efficientnet-lite0", "bundled"), ("tiny", None)]
    status = hub.fetch("tiny")
    assert status.installed == str(tmp_path / "hub/models--someone--tiny/snapshots" / COMMIT)
    assert status.size == sum(map(len, CONTENTS.values()))
    assert open_image_model(tiny).dimension == open_text_model(tiny).dimension == 12
    assert hub.fingerprint(tiny) == digest(CONTENTS["onnx/vision_model.onnx"])


def test_sizes_are_those_of_the_files_once_they_are_there(register, fake):
    register(record())
    bundled, tiny = hub.list_models()
    assert bundled.size is not None and bundled.size > 1_000_000
    assert hub.fetch("tiny").size == tiny.size == sum(map(len, CONTENTS.values()))


def test_fetching_again_downloads_nothing_anew(register, fake):
    register(record())
    hub.fetch("tiny")
    hub.fetch("tiny")
    assert all(not forced for _, forced in fake.calls)


def test_a_file_damaged_on_the_way_is_fetched_once_more(register, fake):
    register(record())
    fake.damaged = {"onnx/text_model.onnx"}
    hub.fetch("tiny")
    assert [name for name, forced in fake.calls if forced] == ["onnx/text_model.onnx"]
    assert hub.verify("tiny").installed


def test_a_file_that_is_another_at_the_source_is_refused(register, fake):
    register(record())
    fake.contents["onnx/vision_model.onnx"] = b"something else"
    with pytest.raises(ModelError, match=r"not tiny's onnx/vision_model\.onnx, or damaged") as caught:
        hub.fetch("tiny")
    assert "lookalike models get tiny" in str(caught.value)
    assert len([name for name, _ in fake.calls if name == "onnx/vision_model.onnx"]) == 2


def test_a_file_without_a_published_digest_must_have_the_one_that_the_hub_announced(register, fake):
    register(record(image=None))
    fake.damaged = {"onnx/vision_model.onnx"}
    hub.fetch("tiny")
    assert ("onnx/vision_model.onnx", True) in fake.calls


def test_a_file_without_a_published_digest_may_not_change_after_the_first_download(register, fake, tmp_path):
    tiny = register(record(image=None))
    hub.fetch("tiny")
    folder = tmp_path / "models" / "tiny"
    for path, content in CONTENTS.items():
        write(folder / path, content)
    write(folder / "onnx/vision_model.onnx", unpacked("data/vision_fixed.onnx"))
    with pytest.raises(ModelError, match="not tiny's"):
        open_image_model(tiny)


def test_a_model_installed_by_hand_is_checked_and_never_fetched(register, fake, tmp_path):
    tiny = register(record())
    folder = tmp_path / "models" / "tiny"
    for path, content in CONTENTS.items():
        write(folder / path, content)
    assert hub.fetch("tiny").installed == str(folder)
    assert fake.calls == []
    assert open_image_model(tiny).dimension == 12
    write(folder / "onnx/vision_model.onnx", CONTENTS["onnx/vision_model.onnx"][:-1] + b"!")
    with pytest.raises(ModelError, match="or damaged") as caught:
        open_image_model(tiny)
    assert str(folder / "onnx/vision_model.onnx") in str(caught.value)


def test_a_change_that_keeps_size_and_time_is_found_by_verify(register, fake, tmp_path):
    register(record())
    hub.fetch("tiny")
    blob = (tmp_path / "hub/models--someone--tiny/snapshots" / COMMIT / "tokenizer.json").resolve()
    before = blob.stat()
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelError, match=r"tokenizer\.json, or damaged"):
        hub.verify("tiny")


def test_files_of_two_places_are_not_mixed(register, fake, tmp_path):
    tiny = register(record())
    hub.fetch("tiny")
    write(tmp_path / "models/tiny/tokenizer.json", b"stray")
    assert hub.installed(tiny)["tokenizer"].is_relative_to(tmp_path / "hub")


def test_a_missing_model_says_what_to_put_where_and_what_to_use_instead(register, tmp_path):
    tiny = register(record())
    with pytest.raises(ModelError) as caught:
        open_image_model(tiny)
    message = str(caught.value)
    assert "tiny is not installed" in message and "`lookalike models get tiny`" in message
    assert "onnx/vision_model.onnx, onnx/text_model.onnx, tokenizer.json" in message and "someone/tiny" in message
    assert str(tmp_path / "models/tiny") in message and "efficientnet-lite0, which is bundled" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "problem",
    [
        errors.LocalEntryNotFoundError("cannot find the file\nin the cache"),
        errors.OfflineModeIsEnabled("offline mode"),
        errors.EntryNotFoundError("no such file"),
        OSError(28, "No space left on device"),
        ConnectionError("unreachable"),
        errors.HTTPError("broken " * 100),
    ],
)
def test_a_failed_download_is_one_line_with_the_reason_and_the_two_ways_out(register, monkeypatch, problem):
    register(record())

    def fail(*_args, **_named):
        raise problem

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(ModelError, match="tiny could not be fetched") as caught:
        hub.fetch("tiny")
    message = str(caught.value)
    assert "models/tiny" in message and "which is bundled" in message and "\n" not in message and len(message) < 700


def test_offline_the_real_library_is_not_let_out(register, monkeypatch):
    register(record())
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="tiny could not be fetched"):
        hub.fetch("tiny")


def test_without_a_network_fetching_fails_at_once_and_the_hub_is_not_asked(register, fake, monkeypatch):
    register(record())
    monkeypatch.delenv("HF_HUB_OFFLINE")
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(ModelError, match=r"127\.0\.0\.1 cannot be reached.*keeping the subfolders") as caught:
        hub.fetch("tiny")
    assert "\n" not in str(caught.value) and fake.calls == []


def test_bars_are_shown_only_when_wanted_and_the_setting_is_put_back(register, fake, monkeypatch):
    register(record())
    seen = []
    download = fake.download

    def look(*args, **named):
        seen.append(utils.are_progress_bars_disabled())
        return download(*args, **named)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", look)
    before = utils.are_progress_bars_disabled()
    hub.fetch("tiny", progress=True)
    hub.fetch("tiny", progress=False)
    hub.fetch("tiny")
    assert (seen[0], seen[3], seen[6]) == (False, True, True)
    assert utils.are_progress_bars_disabled() == before


def test_another_models_file_is_told_by_the_length_of_its_vectors(register, fake):
    tiny = register(record(dimension=512))
    hub.fetch("tiny")
    with pytest.raises(ModelError, match="vectors of 12 numbers, not 512"):
        open_image_model(tiny)


def test_the_bundled_model_is_always_whole_and_a_folder_is_used_as_it_is(tmp_path):
    assert hub.fetch("efficientnet-lite0").installed == "bundled"
    folder = open_clip_folder(tmp_path / "clip")
    assert hub.fetch(f"path:{folder}").installed == str(folder)
    (folder / "textual/model.onnx").unlink()
    assert hub.verify(f"path:{folder}").kind == "image"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HF_HUB_CACHE": "/a"}, "/a"),
        ({"HF_HOME": "/b"}, "/b/hub"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/huggingface/hub"),
    ],
)
def test_the_cache_folder_is_that_of_the_hub_library(monkeypatch, variables, expected):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hub._hub_cache() == Path(expected)


# Checksums


def test_a_digest_is_computed_once_until_the_file_changes(tmp_path, monkeypatch):
    read = []
    real = hashlib.file_digest
    monkeypatch.setattr(checksums.hashlib, "file_digest", lambda file, name: read.append(1) or real(file, name))
    path = write(tmp_path / "model.onnx", b"one")
    assert checksums.Checksums(tmp_path).of(path) == checksums.Checksums(tmp_path).of(path) == digest(b"one")
    assert len(read) == 1
    write(path, b"other")
    assert checksums.Checksums(tmp_path).of(path) == digest(b"other")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"files": 1}', b'{"files": {"x": null}}', b"\xff\xfe"])
def test_a_broken_list_of_digests_is_only_a_list_to_write_anew(tmp_path, content):
    write(tmp_path / checksums.FILE, content)
    path = write(tmp_path / "model.onnx", b"one")
    sums = checksums.Checksums(tmp_path)
    sums.keep("key", "value")
    assert sums.of(path) == digest(b"one") and sums.first_seen("key") == "value"


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path):
    path = write(tmp_path / "model.onnx", b"one")
    sums = checksums.Checksums(path / "not a folder")
    sums.keep("key", "value")
    assert sums.of(path) == digest(b"one") and sums.first_seen("key") is None


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"gone\.onnx: cannot be read"):
        checksums.Checksums(tmp_path).of(tmp_path / "gone.onnx")
