"""Write what open_clip makes of awkward texts and pictures, for the tests to compare with. Maintainers only.

    python -m venv golden && golden/bin/pip install torch open_clip_torch torchvision sentencepiece protobuf tokenizers
    golden/bin/python tools/make_clip_golden.py tests/models/golden

Writes golden.json.xz (texts, token numbers, picture hashes), clip_tokenizer.json.xz (CLIP's vocabulary, from the
open_clip_torch package: MIT, (c) 2021 OpenAI) and siglip_tokenizer.json.xz (a tiny SentencePiece model of the same
kind as SigLIP's, trained here on the texts themselves: SigLIP's own 32,000 pieces are in no Python package).
Any torchvision build does: only its PIL transforms run.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import lzma
import random
import sys
import types
from pathlib import Path

import numpy as np
import PIL.Image

HAND_WRITTEN = [
    *("", " ", "a", "a photo of a dog", "A  Photo\tOF a\nDog", "a sunset near the sea", "DON'T SHOUT'S"),
    *("don't won't I'll you're we've I'm he'd", "3.14159 and 42nd of 1,000,000", "x1y2z3", "e=mc^2", "C++ & C#"),
    *("&amp;", "&amp;amp;amp; &lt;b&gt;", "&eacute;t&eacute;", "&#x1F600; &#233;", "&nbsp;non&nbsp;breaking"),
    *("<b>bold & &amp;</b>", "\u201cquoted\u201d \u2018single\u2019 it\u2019s", "\ufb01nal \ufb02ower o\ufb03ce"),
    *("\uff26\uff35\uff2c\uff2c\u3000\uff57\uff49\uff44\uff54\uff48", "\uff76\uff80\uff76\uff85"),
    *("caf\u00e9 vs cafe\u0301", "\u00c5ngstr\u00f6m \u212b", "na\u00efve fa\u00e7ade", "Stra\u00dfe STRASSE"),
    *("\u0130stanbul I\u0307", "\u1e9e\u00df", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2"),
    *("\u0434\u043e\u043c \u043d\u0430 \u0433\u043e\u0440\u0435", "\u5c71\u306e\u5915\u65e5"),
    *("\u6d77\u8fb9\u65e5\u843d", "\ud574\ubcc0\uc758 \uc77c\ubab0", "\u0e17\u0e30\u0e40\u0e25"),
    *("\u0938\u092e\u0941\u0926\u094d\u0930", "\u063a\u0631\u0648\u0628 \u0627\u0644\u0634\u0645\u0633"),
    *("\u05e9\u05e7\u05d9\u05e2\u05d4 \u05d1\u05d9\u05dd", "\u202eright to left\u202c", "soft\u00adhyphen"),
    *("\u200bzero\u200bwidth\u200d", "\ufeffbom", "\U0001f600", "\U0001f1eb\U0001f1f7 flag", "\u2764\ufe0f heart"),
    *("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family", "1\ufe0f\u20e3", "\U0001f44d\U0001f3fd"),
    *("\x00null\x07bell\x1b[31mred\x1b[0m\x7f", "tab\x0bvertical\x0cform", "line\u2028sep\u2029para\x85next"),
    *("\x1c\x1d\x1e\x1f units", "\x93smart\x94 \x80 5", "!!!???...---___***", "#hashtag @user $5 100% a_b"),
    *("http://example.org/a?b=c&d=e#f", "C:\\path\\file.jpg", "{}[]()<>|\\/`~^", "a/b,c;d:e", "...."),
    *("\u2026 ellipsis \u2014 dash \u2013 en", "\u00bd \u00b2 \u2460 \u2167", "\u00b0C \u00b5m \u2126"),
    *("\u20ac100 \u00a3 \u00a5", "word " * 100, "supercalifragilisticexpialidocious" * 20, "\u6f22" * 200),
    *("\U0001f600" * 100, "a" * 5000, "12345 " * 30, ". " * 80, "w" + " x" * 73, "w" + " x" * 74),
    *("w" + " x" * 75, "w" + " x" * 76, "a photo of " + "very " * 70 + "big dog", "<|startoftext", "|endoftext|>"),
    *("< | endoftext | >", "</s>", "<s> <pad> <unk>", "[CLS] hello [SEP]", "\u2581under", "_under_score_"),
    *("'", "''", "'s", "'S 'T", "\u2019s", "it`s", "rock 'n' roll", "o'clock", "l'\u00e9t\u00e9"),
    *("Ol\u00e1, mundo!", "\u00bfQu\u00e9?", "\u00a1Hola!", "\u0149 \u01c4 \u01c5 \u01c6 \u0132ssel", "\u00aa\u00ba"),
    *("\u1d2c\u1d43 \u2090", "\u0300combining first", "z\u0335\u0321a\u0337lgo\u0336", "\u0660\u0661 \u0967\u0968"),
    *("\u3007\u4e00\u4e8c", "\u00ab guillemets \u00bb", "\u201elow\u201c", "\u2039x\u203a", "\ue000private"),
    *("non\u2011breaking\u2010hyphen", "\U0001d4b3 math", "\U00010348 gothic", "caf\u00c3\u00a9"),
    "\u00e2\u20ac\u0153doubly decoded\u00e2\u20ac\u009d",
]
WORDS = [
    *("a", "an", "the", "of", "in", "on", "near", "dog", "cat", "Sunset", "sea", "mountain", "kitchen", "flower"),
    *("red", "blue", "people", "skiing", "fog", "photo's", "won't", "2024", "f/2.8", "IMG_0042", "na\u00efve"),
    *("\u6d77", "\U0001f3d6\ufe0f", "caf\u00e9", "&amp;", "&quot;x&quot;", "\u2019tis", "#1", "(old)", "New-York"),
]
BLOCKS = [(0x20, 0x7E), (0xA1, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x4E00, 0x4FFF), (0x1F300, 0x1F5FF)]
PICTURES = [
    *((480, 640), (640, 480), (224, 224), (224, 225), (225, 224), (100, 640), (640, 101), (427, 640)),
    *((333, 500), (1, 1), (3, 640), (37, 53), (639, 223), (256, 256), (512, 341)),
]
CLIP = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
CONFIGS = [
    {"size": 224, "fit": "crop", "interpolation": "bicubic", **CLIP},
    {"size": 224, "fit": "letterbox", "interpolation": "bicubic", **CLIP},
    {"size": 224, "fit": "squash", "interpolation": "bicubic", **HALF},
    {"size": 256, "fit": "crop", "interpolation": "bilinear", **PLAIN},
]
MODES = {"crop": "shortest", "letterbox": "longest", "squash": "squash"}


def awkward_texts() -> list[str]:
    chance = random.Random(2026)
    texts = list(HAND_WRITTEN)
    texts += [" ".join(chance.choices(WORDS, k=chance.randint(1, 14))) for _ in range(120)]
    for _ in range(120):
        low, high = chance.choice(BLOCKS)
        texts.append("".join(chr(chance.randint(low, high)) for _ in range(chance.randint(1, 40))))
    return texts


def is_guessed(text: str) -> bool:
    """Whether ftfy takes the text for doubly decoded and repairs it by its table, which lookalike does not have."""
    import ftfy

    return ftfy.fix_text(text) != ftfy.fix_text(text, fix_encoding=False)


def made_picture(height: int, width: int) -> np.ndarray:
    """A picture that any machine makes alike: integer ramps, stripes and a hash-like noise."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    noise = (x * 73856093 ^ y * 19349663) >> 7 & 63
    channels = [x * 255 // width, y * 255 // height, (x // 9 + y // 7) % 2 * 160]
    return np.stack([(c + noise) % 256 for c in channels], -1).astype(np.uint8)


def clip_tokenizer(vocabulary: Path) -> str:
    """CLIP's merges as a tokenizer.json of the layout that model repositories carry."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    lines = gzip.decompress(vocabulary.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    letters = [chr(b) for b in printable] + [chr(256 + n) for n in range(len(others))]
    marks = ["<|startoftext|>", "<|endoftext|>"]
    pieces = [*letters, *(c + "</w>" for c in letters), *("".join(m) for m in merges), *marks]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={piece: n for n, piece in enumerate(pieces)},
            merges=merges,
            unk_token=marks[1],
            end_of_word_suffix="</w>",
            continuing_subword_prefix="",
        )
    )
    pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    numbers = [(mark, len(pieces) - 2 + n) for n, mark in enumerate(marks)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{marks[0]} $A {marks[1]}", special_tokens=numbers)
    tokenizer.add_special_tokens(marks)
    return tokenizer.to_str()


def siglip_like(texts: list[str]):
    """A tiny SentencePiece model set up as SigLIP's (end mark </s> = 1, no start mark), and as tokenizer.json."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=out,
        vocab_size=1500,
        model_type="unigram",
        character_coverage=0.98,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())
    proto = sentencepiece_model_pb2.ModelProto.FromString(out.getvalue())
    tokenizer = Tokenizer(models.Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=2))
    characters = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    tokenizer.normalizer = normalizers.Sequence([characters])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_special_tokens(["</s>", "<unk>"])
    return tokenizer.to_str(), processor


def golden_pixels() -> list[dict]:
    from open_clip.transform import image_transform

    found = []
    for config in CONFIGS:
        size = config["size"]
        mode = MODES[config["fit"]]
        transform = image_transform(size, False, config["mean"], config["std"], mode, config["interpolation"])
        for height, width in PICTURES:
            values = transform(PIL.Image.fromarray(made_picture(height, width))).numpy()
            found.append(
                {
                    "config": config,
                    "picture": [height, width],
                    "sha256": hashlib.sha256(np.ascontiguousarray(values, "<f4").tobytes()).hexdigest(),
                    "samples": [float(v) for v in values.reshape(-1)[:: size * size // 7 + 3]],
                }
            )
    return found


def golden_texts() -> tuple[list[dict], str]:
    """Token numbers of all texts, and the SentencePiece model that made those of SigLIP's kind."""
    from open_clip.tokenizer import SimpleTokenizer, get_clean_fn

    texts = awkward_texts()
    canonical = [get_clean_fn("canonicalize")(text) for text in texts]
    # Long runs of one character would become pieces whose order is a matter of rounding.
    tokenizer, pieces = siglip_like([text for text in canonical if 0 < len(text) <= 80])
    clip_rows = SimpleTokenizer()(texts).tolist()
    siglip_rows = [[*pieces.encode(text)[:63], *[1] * 64][:64] for text in canonical]
    rows = [
        {"text": text, "clip": trimmed(a, 0), "siglip": trimmed(b, 1), "guessed": is_guessed(text)}
        for text, a, b in zip(texts, clip_rows, siglip_rows, strict=True)
    ]
    return rows, tokenizer


def trimmed(row: list[int], padding: int) -> list[int]:
    while row and row[-1] == padding:
        row = row[:-1]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    # Builds of torchvision for another torch lack compiled operators that only this module asks for.
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
    import open_clip

    texts, siglip_tokenizer = golden_texts()
    golden = {
        "made_with": f"open_clip_torch {open_clip.__version__}, Pillow {PIL.__version__}",
        "texts": texts,
        "pixels": golden_pixels(),
    }
    vocabulary = Path(open_clip.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")
    files = {
        "golden.json": json.dumps(golden, indent=0),
        "clip_tokenizer.json": clip_tokenizer(vocabulary),
        "siglip_tokenizer.json": siglip_tokenizer,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / f"{name}.xz"
        path.write_bytes(lzma.compress(content.encode(), preset=9 | lzma.PRESET_EXTREME))
        print(path.name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
