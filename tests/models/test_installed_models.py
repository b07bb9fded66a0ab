"""A model that a user put into a folder, through a collection: indexed, asked with a picture and with words."""

from __future__ import annotations

import PIL.Image
import pytest
from tiny import made_picture, open_clip_folder, transformers_folder, unpacked, write

from lookalike.collection import Collection
from lookalike.errors import ModelError


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, size in enumerate([(48, 64), (100, 64), (64, 64)]):
        PIL.Image.fromarray(made_picture(*size)).rotate(120 * number).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("layout", [open_clip_folder, transformers_folder])
def test_a_collection_finds_pictures_by_picture_and_by_words_with_it(tmp_path, pictures, layout):
    method = f"embedding:path:{layout(tmp_path / 'clip')}"
    with Collection(tmp_path / "album") as album:
        assert album.index([pictures], methods=[method]).added == 3
        first = album.search(image=str(pictures / "1.png"), methods=[method], k=1)[0]
        by_words = album.search(text="a sunset near the sea", methods=[method], k=3)
    assert first.path.endswith("1.png") and first.evidence[0].distance < 0.001
    assert len(by_words) == 3 and {match.evidence[0].method for match in by_words} == {method}


def test_other_weights_in_its_place_are_refused_and_nothing_is_mixed(tmp_path, pictures):
    folder = transformers_folder(tmp_path / "clip")
    method = f"embedding:path:{folder}"
    with Collection(tmp_path / "album") as album:
        album.index([pictures], methods=[method])
    write(folder / "onnx/vision_model.onnx", unpacked("data/vision_fp16.onnx"))
    with Collection(tmp_path / "album") as album, pytest.raises(ModelError, match="made with other weights"):
        album.search(image=str(pictures / "1.png"), methods=[method])
