"""Searching by words: what is there, what is not, what is written beside a picture."""

from __future__ import annotations

import pytest

from lookalike import Collection
from lookalike.errors import QueryError
from lookalike.search.relevance import FLOOR, HARDLY, MATCHES, strength
from lookalike.search.sums import UNRATED
from samples import HERE, PHOTOS, photo


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Photos called after nothing that they show, a coffee called zebra, and a rocket captioned as a koala."""
    folder = tmp_path_factory.mktemp("photos")
    for place, name in enumerate(PHOTOS):
        photo(name).save(folder / f"{'zebra' if name == 'coffee.png' else place}.png")
    captioned = photo("rocket.jpg")
    exif = captioned.getexif()
    exif[0x010E] = "my koala"  # ImageDescription
    captioned.save(folder / "9.jpg", exif=exif)
    with Collection(tmp_path_factory.mktemp("album") / "album") as made:
        made.index([folder], methods=["text"], options=HERE)
        yield made


def names(matches):
    return [match.path.rsplit("/", 1)[-1] for match in matches]


def test_what_is_there_comes_first_and_is_relevant(album):
    matches = album.search(text="a cat", k=3)
    assert names(matches)[0] == f"{PHOTOS.index('chelsea.png')}.png"
    assert matches[0].label == MATCHES and matches[0].score > 0.5 and matches.notes == ()
    assert matches[0].evidence[0].detail["strength"] == "strong"
    assert matches[1].label == HARDLY and matches[1].score < FLOOR


def test_no_chance_is_claimed_and_a_limit_on_it_is_refused(album):
    for text in ("a cat", "a violin"):
        assert all(match.expected_false is None for match in album.search(text=text))
    with pytest.raises(QueryError, match="not weighed against chance"):
        album.search(text="a cat", max_expected_false=0.01)


def test_a_sum_with_words_says_that_its_score_is_no_likelihood(album):
    matches = album.search(query='"a cat" - "a dog"', k=2)
    assert matches.notes == (UNRATED.format(what="a sum"),)
    assert set(matches[0].evidence[0].detail) == {"standard_deviations"}
    assert album.search(query=f"id:{matches[0].id} + id:{matches[1].id}").notes == ()  # pictures alone claim none


def test_of_what_is_not_there_it_says_that_nothing_matches(album):
    matches = album.search(text="a violin")
    assert matches.notes == ("nothing matches 'a violin': these are only the nearest",)
    assert all(match.label == HARDLY for match in matches)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("bycicle", "bycicle: did you mean bicycle?"),
        ("кошка", "кошка: not known to the bundled model, which reads English"),
        ("Katze", "katze: not known to the bundled model, which reads English"),
        ("the", "no word in 'the' says what a picture shows"),
    ],
)
def test_a_text_without_a_known_word_finds_no_picture_but_says_why(album, text, note):
    matches = album.search(text=text)
    assert list(matches) == [] and matches.notes == (note,)


def test_unknown_words_are_named_and_do_not_dilute_the_others(album):
    plain, mixed = album.search(text="a cat", k=1), album.search(text="a zxqwv cat", k=1)
    assert mixed[0].id == plain[0].id and mixed[0].score == pytest.approx(plain[0].score, abs=0.02)
    assert "zxqwv" in mixed.notes[0]


def test_what_is_captioned_so_comes_first_and_says_why(album):
    first = album.search(text="koala")[0]
    assert first.path.endswith("9.jpg") and first.label == MATCHES
    assert first.evidence[0].detail == {"words": ["koala"], "in": "caption"}
    assert album.search(text="koala", where="name != '9.jpg'").notes  # nothing else is like one


def test_keywords_in_files_find_their_pictures_first(tmp_path):
    (tmp_path / "in").mkdir()
    for name in PHOTOS:
        photo(name).save(tmp_path / "in" / f"{name.split('.')[0]}.png")
    subject = (
        '<dc:subject xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Bag><rdf:li>koala</rdf:li></rdf:Bag></dc:subject>'
    )
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description>{subject}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    photo("brick.png").save(tmp_path / "in" / "xmp.jpg", xmp=packet.encode())
    record = b"\x1c\x02\x19\x00\x05koala"  # 2:25, keywords
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(record).to_bytes(4, "big") + record
    photo("page.png").save(tmp_path / "in" / "iptc.jpg")
    plain = (tmp_path / "in" / "iptc.jpg").read_bytes()
    segment = b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc
    (tmp_path / "in" / "iptc.jpg").write_bytes(plain[:2] + segment + plain[2:])
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "in"], methods=["text"], options=HERE)
        matches = album.search(text="koalas", k=4)
    assert set(names(matches)[:2]) == {"xmp.jpg", "iptc.jpg"}
    assert [match.score == 1 for match in matches] == [True, True, False, False]


def test_a_name_lists_higher_but_is_no_likelihood(album):
    matches = album.search(text="zebra", k=8)
    place = names(matches).index("zebra.png")
    named = matches[place]
    assert place == 0 and named.score < FLOOR
    assert named.evidence[0].detail == {"words": ["zebra"], "in": "name"}


def test_names_and_captions_respect_the_filter(album):
    for text, file in (("zebra", "zebra.png"), ("koala", "9.jpg")):
        assert file not in names(album.search(text=text, where=f"name != '{file}'", k=20))


def test_unknown_words_still_find_what_is_called_so(tmp_path):
    (tmp_path / "in").mkdir()
    for place, name in enumerate(("coffee.png", "chelsea.png", "rocket.jpg")):
        photo(name).save(tmp_path / "in" / f"{'Katze' if place == 1 else place}.png")
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "in"], methods=["text"], options=HERE)
        matches = album.search(text="Katze")
    assert names(matches) == ["Katze.png"] and matches[0].label == MATCHES


def test_every_picture_with_a_word_can_be_found_not_only_the_first_ones(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    for place in range(40):
        picture = photo("coffee.png" if place == 39 else "brick.png").crop((0, 0, 100 + place, 100))
        picture.save(tmp_path / "in" / f"{'holiday' if place % 3 == 0 else place}-{place}.png")
    with Collection(tmp_path / "album") as album:
        album.index([tmp_path / "in"], methods=["text"], options=HERE)
        assert names(album.search(text="a holiday cup of coffee", k=1)) == ["holiday-39.png"]


def test_strength_in_words():
    assert [strength(value) for value in (0.9, 0.4, 0.2, 0.01)] == ["strong", "fair", "weak", "none"]


def test_a_match_tells_what_the_python_page_says(album):
    match = album.search(text="a cat", k=1)[0].to_json()
    assert match["expected_false"] is None
    assert match["evidence"][0]["detail"] == {"relevance": round(match["score"], 4), "strength": "strong"}
