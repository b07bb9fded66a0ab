"""The nouns of WordNet 3.0 (Fellbaum 1998) from its plain data file, see wndb(5)."""

from __future__ import annotations

from dataclasses import dataclass

# too general to tell anything about a picture
VAGUE = {
    *("entity", "physical entity", "object", "whole", "matter", "abstraction"),
    *("living thing", "organism", "causal agent"),
}


@dataclass(frozen=True)
class Synset:
    """words: the synonyms, most frequent first. gloss: the definition without examples. parents: offsets."""

    words: list[str]
    gloss: str
    parents: list[str]


def read_nouns(text: str) -> dict[str, Synset]:
    """Offset (8 digits) -> synset, from the contents of `data.noun`."""
    nouns = {}
    for line in text.splitlines():
        if line.startswith("  "):  # the licence
            continue
        data, _, gloss = line.partition(" | ")
        fields = data.split()
        count = int(fields[3], 16)
        words = [word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
        pointers = fields[5 + 2 * count :]
        parents = [pointers[i + 1] for i in range(0, len(pointers) - 3, 4) if pointers[i] in ("@", "@i")]
        nouns[fields[0]] = Synset(words, gloss.split(";")[0].split('"')[0].strip(), parents)
    return nouns


def kinds(nouns: dict[str, Synset], offset: str, count: int = 3) -> list[str]:
    """What the synset is a kind of: the nearest `count` ancestors that are not vague, nearest first."""
    found: list[str] = []
    while nouns[offset].parents and len(found) < count:
        offset = nouns[offset].parents[0]
        if nouns[offset].words[0] not in VAGUE:
            found.append(nouns[offset].words[0])
    return found


def read_words(data: list[str]) -> list[str]:
    """Single words of three letters and more, names with their capital, from the contents of `data.noun`, `data.verb`
    and so on."""
    words: dict[str, None] = {}
    for line in (line for text in data for line in text.splitlines() if not line.startswith("  ")):
        fields = line.split(" | ")[0].split()
        lemmas = (word.partition("(")[0] for word in fields[4 : 4 + 2 * int(fields[3], 16) : 2])
        words |= dict.fromkeys(word for word in lemmas if len(word) >= 3 and word.isascii() and word.isalpha())
    return list(words)


def read_irregular(exceptions: list[str]) -> list[str]:
    """Irregular forms ("ran", "geese"), from the contents of `noun.exc`, `verb.exc` and so on."""
    forms = (line.split(" ", 1)[0] for text in exceptions for line in text.splitlines())
    return [form for form in forms if len(form) >= 3 and form.isascii() and form.isalpha()]
