"""The slots of a leaked phrase, filled from the row and its producer values."""

import re
from random import Random

from tests.bench.leak_world.clean import Row
from tests.bench.leak_world.words import ADJECTIVES, INSTRUCTIONS, SIGNS

COMMON = frozenset(
    (
        *ADJECTIVES,
        *"more next other adj passage user sind ist was nach con según texto text".split(),
    )
)
SIZES = "short medium long tight brief sprawling clipped two-step dense loose".split()
MOODS = "calm dry blunt anxious playful formal weary curt warm pedantic".split()
DEEDS = "queued drafted sealed merged rejected resumed dropped finished claimed flushed".split()
GREEK = "α β γ δ θ λ μ σ φ ψ ω".split()
ROMAN = "i ii iii iv v vi vii viii ix x xi xii".split()


def fill_slots(form: str, row: Row, rng: Random) -> str:
    """Return the phrase with its {slots} filled and its stand-in signs resolved; a slot used twice
    is drawn twice.
    """
    return re.sub(r"\{(\w+)\}", lambda found: _value(found[1], row, rng), form).translate(SIGNS)


def _value(slot: str, row: Row, rng: Random) -> str:
    if slot in row.producer:
        return row.producer[slot]
    if slot in ("noun", "noun2", "name"):
        return _from_prompt(slot, row, rng)
    if slot in ("code", "tag"):
        return row.producer["family"].split(" ", 1)[slot == "tag"]
    return (
        rng.choice(INSTRUCTIONS[row.producer["instruction"]])
        if slot == "paraphrase"
        else _drawn(slot, rng)
    )


def _from_prompt(slot: str, row: Row, rng: Random) -> str:
    """Return a noun (what follows an article, adjectives aside) or a name of the prompt; a second
    noun is the passage's.
    """
    form = (
        r"(?<=[a-z,] )[A-Z][a-zà-ÿ]{2,}"
        if slot == "name"
        else r"\b(?:the|an?|each|der|die|das|den|dem|el|la) ([A-Za-zÀ-ÿ]{3,})\b"
    )
    for text in (row.passage, row.prompt) if slot == "noun2" else (row.prompt, row.passage):
        found: list[str] = [word for word in re.findall(form, text) if word.lower() not in COMMON]
        if found:
            return rng.choice(found)
    return rng.choice(row.passage.split())


def _drawn(slot: str, rng: Random) -> str:
    ranges = {
        "d": (1, 5),
        "e": (1, 5),
        "n": (1, 40),
        "m": (41, 99),
        "k": (100, 9999),
        "k2": (100, 9999),
        "k3": (80, 900),
        "p": (5, 95),
        "q": (5, 95),
    }
    if slot in ranges:
        return str(rng.randint(*ranges[slot]))
    if slot in ("h", "h2"):
        return f"{rng.getrandbits(32):08x}"
    if slot in ("L", "L2"):
        return rng.choice("ABCDEFGHK")
    if slot == "time":
        return f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
    if slot == "iso":
        return f"2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    lists = {"size": SIZES, "mood": MOODS, "did": DEEDS, "greek": GREEK, "roman": ROMAN}
    return rng.choice(lists[slot])
