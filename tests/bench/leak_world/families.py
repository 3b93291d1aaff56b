"""Invented families of leaks: what a pipeline might write into a trace by mistake, each family with
words, forms and places of its own.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.bench.leak_world.breakage import BREAKS
from tests.bench.leak_world.clean import Row
from tests.bench.leak_world.notes import ALIKE, CODES, ENGLISH, NOTES
from tests.bench.leak_world.slots import fill_slots
from tests.bench.leak_world.words import Grammar, coin

GRAMMARS = {"english": Grammar(ENGLISH)} | {
    language: Grammar(text) for language, text in NOTES.items()
}
LANGUAGES = tuple(GRAMMARS)
PARTS = frozenset(
    "unit batch vary varying aspect gist state thing outcome when manner job ordinal count chore todo".split()
)
NOTE_KINDS = (*(rule for rule in GRAMMARS["english"].rules if rule not in PARTS), "settings")
KINDS = (*NOTE_KINDS, *BREAKS)
# The hardest kinds, nothing but ordinary words, come up more often.
KIND_WEIGHTS = {kind: {"plain_steer": 3, "selftalk": 2}.get(kind, 1) for kind in NOTE_KINDS}
POSITIONS = {"opener": 30, "closer": 14, "mid": 20, "both": 10, "inside": 14, "every": 12}
CAPITALS = {"as_is": 30, "sentence": 30, "lower": 8, "upper": 9, "title": 9, "joined": 14}
VOCABULARIES = {"ordinary": 40, "abbreviated": 30, "coined": 30}
LENGTHS = {"2-4": 3, "5-12": 9, "13-30": 20, "31-60": 42}
WRAPS = """[_] (_) (_) «_» <_> <!--·_·--> /*·_·*/ #·_ //·_ --·_ **_** `_` ~·_·~ ⟦_⟧ ===·_·=== >>>·_ |·_·| @_ ¶·_ <<_>> “_” {_} ‹_› %_ [[_]] ;;·_ ->·_
§·_ ○·_ *_* ##·_ !_ '_' -·_·- +·_ ++_++ [·_·] ((_)) ~_""".split()
STOPS = {".": 8, "": 3, ":": 4, " …": 1, " —": 1, ";": 1, " ->": 1, " |": 1, "!": 1}
SEPARATORS = [
    ": ",
    ", ",
    " - ",
    " :: ",
    " | ",
    " → ",
    "; ",
    " / ",
    " · ",
    "=",
    " ~ ",
    " >> ",
    " – ",
    " || ",
    "_",
    " & ",
    " @ ",
]
JOINERS = [", ", "; ", " – ", ". ", " / ", " and ", " + ", " | ", " // ", "\n"]


@dataclass(frozen=True)
class Family:
    """One way of leaking: its phrasings (with slots for the row), how often each is used, and where
    and how it is written.
    """

    name: str
    seed: int
    kind: str
    position: str
    language: str
    forms: tuple[str, ...]
    weights: tuple[float, ...]
    traits: dict[str, str]


def draw_family(seed: int) -> Family:
    """Return the family of this seed."""
    rng = Random(f"family:{seed}")
    kind, language = _kind_and_language(rng)
    traits, position = _traits(rng, kind, language), _weighted(rng, POSITIONS)
    words, joiner, phrasings = (
        _lexicon(rng, traits["vocabulary"]),
        rng.choice(JOINERS),
        rng.choice((1, 1, 2, 3, 3, 4, 5, 6, 7, 8)),
    )
    sizes = [round(LENGTHS[traits["length"]] * rng.uniform(0.7, 1.4)) for _ in range(phrasings)]
    if kind in BREAKS:
        position, sizes = "inside", []
    forms = tuple(dict.fromkeys(_form(rng, kind, language, words, size, joiner) for size in sizes))
    weights = tuple(rng.random() + 0.1 for _ in forms)
    return Family(
        f"{kind}-{language}-{position}-{seed}",
        seed,
        kind,
        position,
        language,
        forms,
        weights,
        traits,
    )


def mixed_family(seeds: Sequence[int]) -> list[Family]:
    """Return the families of these seeds, to be used side by side."""
    return [draw_family(seed) for seed in seeds]


def contaminate(
    rows: list[Row], family: Family, *, rate: float, seed: int
) -> tuple[list[Row], list[bool]]:
    """Return the rows with round(rate · n) of the think texts leaked, at least one, and which ones
    they are.
    """
    return contaminate_mixed(rows, [family], rate=rate, seed=seed)


def contaminate_mixed(
    rows: list[Row], families: Sequence[Family], *, rate: float, seed: int
) -> tuple[list[Row], list[bool]]:
    """As `contaminate`, the leaked rows dealt evenly to the families."""
    rng = Random(f"contaminate:{seed}:{'|'.join(family.name for family in families)}")
    chosen = rng.sample(range(len(rows)), min(len(rows), max(1, round(rate * len(rows)))))
    dealt = {place: families[turn % len(families)] for turn, place in enumerate(chosen)}
    leaked = [
        replace(row, think=leak(row, dealt[place], seed=seed)) if place in dealt else row
        for place, row in enumerate(rows)
    ]
    return leaked, [place in dealt for place in range(len(rows))]


def leak(row: Row, family: Family, *, seed: int) -> str:
    """Return the row's think text with the family's notes in it."""
    rng = Random(f"leak:{family.name}:{seed}:{row.id}")
    if family.kind in BREAKS:
        return BREAKS[family.kind](row.think, Random(f"break:{family.seed}"), rng)
    return PLACES[family.position](row.think, family, row, rng)


def note(family: Family, row: Row, rng: Random, *, stop: bool = True) -> str:
    """Return one of the family's phrasings, filled for the row and written the family's way."""
    form = rng.choices(family.forms, family.weights)[0]
    text = _cased(fill_slots(form, row, rng), family.traits["capitals"], family.traits["snake"])
    if family.traits["wrap"] != "∅":
        return family.traits["wrap"].replace("·", " ").replace("_", text, 1)
    return text + family.traits["stop"] if stop and text[-1].isalnum() else text


def _kind_and_language(rng: Random) -> tuple[str, str]:
    if rng.random() < 0.08:
        return rng.choice(sorted(BREAKS)), "english"
    language = "english" if rng.random() < 0.58 else rng.choice(LANGUAGES[1:])
    if language == "english":
        return _weighted(rng, KIND_WEIGHTS), language
    return rng.choice([rule for rule in GRAMMARS[language].rules if rule not in PARTS]), language


def _traits(rng: Random, kind: str, language: str) -> dict[str, str]:
    """Return the axes a note is written along. Hard kinds stay plain, and what is long or has no
    letter case is never joined.
    """
    length, vocabulary, capitals = (
        _weighted(rng, axis) for axis in (dict.fromkeys(LENGTHS, 1), VOCABULARIES, CAPITALS)
    )
    marked = kind in ("settings", "worker_log", "canary", "placeholder")
    hard = kind == "plain_steer"
    if capitals == "joined" and (
        LENGTHS[length] > 9 or marked or language in ("chinese", "korean")
    ):
        capitals = "sentence"
    return {
        "vocabulary": "ordinary" if hard else vocabulary,
        "length": length,
        "capitals": rng.choice(("as_is", "sentence", "sentence"))
        if hard
        else "as_is"
        if kind in BREAKS
        else capitals,
        "wrap": "∅" if hard or rng.random() < (0.8 if marked else 0.45) else rng.choice(WRAPS),
        "stop": "." if hard else _weighted(rng, STOPS),
        "joint": rng.choice((" ", " ", " ", "\n", "\n\n")),
        "inside": rng.choice((", {}, ", " – {} – ", " ({}) ", " {} ", " ... {} ... ")),
        "snake": rng.choice(("_", "", "-")),
    }


def _lexicon(rng: Random, vocabulary: str) -> dict[str, list[str]]:
    """Return the family's own words for the things of a pipeline, and its separator, brackets and
    code pattern.
    """
    words = {
        concept: [rng.choice(terms.split())]
        for concept, terms in (line.split(": ") for line in ALIKE.splitlines())
    }
    for concept, (word,) in words.items():
        if vocabulary == "coined" and rng.random() < 0.6:
            words[concept] = [coin(rng)]
        elif vocabulary == "abbreviated" and rng.random() < 0.7:
            words[concept] = [
                rng.choice(
                    (
                        word[:3],
                        word[:2] + word[-1],
                        re.sub("(?<=.)[aeiou]", "", word),
                        word[0].upper(),
                        word[:4] + ".",
                    )
                )
            ]
    ordinary = vocabulary == "ordinary"
    shell = rng.choice(
        ("()", "[]") if ordinary else ("[]", "()", "⟪⟫", "<>", "||", "**", "«»", "⟦⟧", "``", "::")
    )
    code = (
        rng.choice(CODES)
        if rng.random() < 0.7
        else coin(rng) + rng.choice(("", "{d}", "-{n}", "/{L}"))
    )
    jargon = {f"j{number}": [coin(rng, syllables=rng.choice((1, 1, 2)))] for number in range(1, 6)}
    marks = {
        "lb": [shell[0]],
        "rb": [shell[1]],
        "code": [code],
        "sep": [rng.choice(SEPARATORS[:3] if ordinary else SEPARATORS)],
    }
    return words | jargon | marks


def _form(
    rng: Random, kind: str, language: str, words: dict[str, list[str]], target: int, joiner: str
) -> str:
    """Return a phrasing of about `target` words, slots unfilled."""
    grammar = GRAMMARS[language]
    others = [
        rule
        for rule in grammar.rules
        if rule not in PARTS and rule not in ("canary", "plain_steer")
    ]

    def phrase(rule: str) -> str:
        return (
            _settings(rng, words, target)
            if rule == "settings"
            else grammar.expand(rule, rng, words)
        )

    parts = [
        min(
            (phrase(kind) for _ in range(2)), key=lambda found: abs(_size(found, language) - target)
        )
    ]
    for turn in range(40):
        if _size(joiner.join(parts), language) >= 0.75 * target:
            break
        same = kind == "plain_steer" or (turn < 6 and rng.random() < 0.7)
        parts += [
            found for found in [phrase(kind if same else rng.choice(others))] if found not in parts
        ]
    return joiner.join(parts)


def _size(text: str, language: str) -> int:
    return len(text) // 2 if language == "chinese" else len(text.split())


def _settings(rng: Random, words: dict[str, list[str]], target: int) -> str:
    """Return a fragment of settings in one of eight notations, keys of the family's vocabulary."""
    names = [
        found[0] for concept, found in words.items() if concept not in ("lb", "rb", "code", "sep")
    ]
    keys = rng.sample(names, min(len(names), max(1, target // rng.choice((2, 3)))))
    values = [
        rng.choice(
            (
                "{d}",
                "{n}",
                "{k}",
                "0.{n}",
                "{noun}",
                "{mood}",
                "{tag}",
                "{seed}",
                "{L}",
                "true",
                "{size}",
                "{cell}",
            )
        )
        for _ in keys
    ]
    pairs = list(zip(keys, values, strict=True))
    notation = rng.choice(("json", "yaml", "ini", "xml", "query", "flags", "call", "attributes"))
    if notation == "json":
        return json.dumps(dict(pairs), ensure_ascii=False).replace('{"', '⟪"', 1)[:-1] + "⟫"
    if notation == "xml":
        return "".join(f"⟨{key}⟩{value}⟨/{key}⟩" for key, value in pairs)
    if notation == "attributes":
        return f"⟨{names[0]} " + " ".join(f'{key}="{value}"' for key, value in pairs) + " /⟩"
    if notation == "ini":
        return f"[{names[0]}]⏎" + "⏎".join(f"{key} = {value}" for key, value in pairs)
    if notation == "yaml":
        return "⏎".join(f"{key}: {value}" for key, value in pairs)
    if notation == "call":
        return f"{names[0]}({', '.join(f'{key}={value}' for key, value in pairs)})"
    mark, glue = (
        ("--{} {}", " ") if notation == "flags" else ("{}={}", rng.choice(("&", ";", " ", "|")))
    )
    return glue.join(mark.format(key, value) for key, value in pairs)


def _cased(text: str, capitals: str, snake: str) -> str:
    if capitals == "joined":
        parts = [part for part in re.split(r"[^\w%/=#-]+", text) if part]
        return (
            snake.join(parts)
            if snake
            else parts[0].lower() + "".join(part[:1].upper() + part[1:] for part in parts[1:])
        )
    changed = {
        "lower": text.lower(),
        "upper": text.upper(),
        "title": re.sub(r"(?<!\w)\w", lambda found: found[0].upper(), text),
    }
    return text[:1].upper() + text[1:] if capitals == "sentence" else changed.get(capitals, text)


def _weighted(rng: Random, weights: dict[str, int]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _opener(think: str, family: Family, row: Row, rng: Random) -> str:
    return note(family, row, rng) + family.traits["joint"] + think


def _closer(think: str, family: Family, row: Row, rng: Random) -> str:
    return think + family.traits["joint"] + note(family, row, rng)


def _both(think: str, family: Family, row: Row, rng: Random) -> str:
    return _closer(_opener(think, family, row, rng), family, row, rng)


def _mid(think: str, family: Family, row: Row, rng: Random) -> str:
    gaps = (
        [found.end() for found in re.finditer(r"[.!?:]\s+", think)]
        or [found.end() for found in re.finditer(r"\s+", think)]
        or [len(think)]
    )
    place = rng.choice(gaps)
    return think[:place] + note(family, row, rng) + family.traits["joint"] + think[place:]


def _inside(think: str, family: Family, row: Row, rng: Random) -> str:
    gaps = [found.start() for found in re.finditer(r"(?<=\w) (?=\w)", think)] or [len(think)]
    place = rng.choice(gaps)
    return (
        think[:place]
        + family.traits["inside"].format(note(family, row, rng, stop=False))
        + think[place + 1 :]
    )


def _every(think: str, family: Family, row: Row, rng: Random) -> str:
    """Put a note before every paragraph or, in a single one, before every third sentence."""
    glue = "\n\n" if "\n\n" in think else " "
    sentences = re.split(r"(?<=[.!?]) ", think)
    paragraphs = (
        think.split(glue)
        if glue == "\n\n"
        else [" ".join(sentences[first : first + 3]) for first in range(0, len(sentences), 3)]
    )
    return glue.join(
        note(family, row, rng) + family.traits["joint"] + paragraph for paragraph in paragraphs
    )


PLACES = {
    "opener": _opener,
    "closer": _closer,
    "both": _both,
    "mid": _mid,
    "inside": _inside,
    "every": _every,
}
