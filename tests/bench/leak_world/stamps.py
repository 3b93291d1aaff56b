"""Invented stamps: short notes of a producer, drawn from a grammar of shapes, words and slots, and
put into think blocks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.bench.leak_world.clean import Row
from tests.bench.leak_world.words import coin

POSITIONS = ("start", "end", "inside")
JOINTS = (" ", " ", " ", "\n", "\n\n")
NOUNS = """task sheet draft lane desk quota roster outline ticket parcel bucket tray ledger shelf pile round shift crew brief
 template cell grid seed variant spice recipe angle flavour persona role layer slot track batch chunk wave folder stack""".split()
VERBS = "says wants asks needs shows keeps gets takes holds lists names marks fills drops moves swaps bends".split()
ORDERS = "vary shorten soften flip rotate tighten stress skip hide reuse mirror widen trim rephrase".split()
KINDS_OF = "dry warm short long calm plain blunt formal hidden second third late early extra local rough".split()
PERSONAS = "clerk buyer nurse farmer auditor pilot tutor baker planner editor miner welder".split()
NUMBERS = "two three four five six seven nine ten".split()
SHAPES = (
    "{Noun} {noun} {verb} {number} {noun}s.",
    "The {noun} {verb} a {kind} {noun} here.",
    "{Order} the {noun} and {order} the {noun}.",
    "Note to self: {order} the {noun}.",
    "{label} {noun} {noun}: {kind} {noun}.",
    "[{noun} {n}] {order} the {noun};",
    "({coin} {noun}, {kind} {noun})",
    "<{noun}:{coin}/{kind}>",
    "{noun}={kind}; {noun}={order};",
    '{{"{noun}": "{kind}", "{noun}": "{coin}"}}',
    "## {Noun} {number}: {kind} {noun}",
    "{Noun} {n} of the {kind} {noun}.",
    "Writing as a {persona} for the {noun}.",
    "persona={persona}; {noun}={coin};",
    "[{persona}] {Noun} {verb} {kind} {noun}.",
    "duplicate of {n}. {Order} by a {kind} {noun}.",
    "{coin} {coin} {noun}: {order} {noun}.",
    "{Noun} closed, {number} {noun}s left.",
    "As the {kind} {noun} {verb}, {order} it.",
    "@{coin} {order}-{noun} #{n}",
    "{Noun} {verb} {n} {noun}s, {kind} ones first.",
    "{label}: {order} the {noun}, then the {noun}.",
    "We {order} this {noun} for the {kind} {noun}.",
    "{Noun}: {kind}. {Noun}: {number}.",
)  # fmt: skip
VARYING = ("n", "persona", "label")
"""Slots that another row fills otherwise; all others are drawn once for a stamp."""

HISTORIC = (
    "{label} spice combinator: rejection is framed as {kind} {noun}.",
    "duplicate of {n}. Diversify by {kind} {noun}.",
    "{label} duplicate of {n}*{n} (seen earlier). Diversify by showing a {kind} {noun}",
    "R{n}: diversify by emphasizing the {noun}.",
)
"""Four forms of the first corpus that was lost to a stamp; what they speak of varies from row to
row.
"""


@dataclass(frozen=True)
class Stamp:
    """One form, with the slots that vary left open. joint: what stands between the form and the
    text it is put into.
    """

    form: str
    position: str
    joint: str

    def text(self, rng: Random) -> str:
        """Return the stamp as one row holds it."""
        return _filled(self.form, rng)


def draw_stamp(seed: int, position: str = "") -> Stamp:
    """Return the stamp of this seed; its place is drawn where none is named."""
    rng = Random(f"stamp:{seed}")
    form = _filled(rng.choice(SHAPES), rng, keep=VARYING)
    place = rng.choice(POSITIONS)
    return Stamp(form, position or place, rng.choice(JOINTS))


def historic_stamps() -> list[Stamp]:
    """Return the four forms of the first lost corpus."""
    return [Stamp(form, "start", " ") for form in HISTORIC]


def stamped(
    rows: Sequence[Row], stamps: Sequence[Stamp], *, rate: float, seed: int
) -> tuple[list[Row], list[bool]]:
    """Return the rows with a share of them stamped, dealt evenly to the stamps, and which ones they
    are.
    """
    rng = Random(f"stamped:{seed}")
    chosen = rng.sample(range(len(rows)), round(rate * len(rows)))
    dealt = {place: stamps[turn % len(stamps)] for turn, place in enumerate(chosen)}
    made = [
        replace(row, think=put(row.think, dealt[place], rng)) if place in dealt else row
        for place, row in enumerate(rows)
    ]
    return made, [place in dealt for place in range(len(rows))]


def put(think: str, stamp: Stamp, rng: Random) -> str:
    """Return a think block with the stamp at its place."""
    text = stamp.text(rng)
    if stamp.position == "start":
        return text + stamp.joint + think
    if stamp.position == "end":
        return think + stamp.joint + text
    gaps = [found.end() for found in re.finditer(r"[.!?:]\s+", think)] or [len(think)]
    place = rng.choice(gaps)
    return f"{think[:place]}{text}{stamp.joint}{think[place:]}"


def fixed_words(stamp: Stamp) -> set[str]:
    """Return the words that every row with the stamp holds."""
    return set(re.findall(r"[a-z]+", re.sub(r"\{\w+\}", " ", stamp.form.lower())))


def _filled(form: str, rng: Random, keep: tuple[str, ...] = ()) -> str:
    def value(found: re.Match[str]) -> str:
        slot = found[1]
        return found[0] if slot in keep else _value(slot, rng)

    return (
        re.sub(r"\{(\w+)\}", value, form)
        if keep
        else re.sub(r"\{(\w+)\}", value, form).replace("{{", "{").replace("}}", "}")
    )


def _value(slot: str, rng: Random) -> str:
    if slot == "n":
        return str(rng.randint(2, 4000))
    if slot == "label":
        return rng.choice("ABCDEK") + str(rng.randint(1, 9))
    if slot == "coin":
        return coin(rng)
    lists = {
        "noun": NOUNS,
        "verb": VERBS,
        "order": ORDERS,
        "kind": KINDS_OF,
        "persona": PERSONAS,
        "number": NUMBERS,
    }
    word = rng.choice(lists[slot.lower()])
    return word.capitalize() if slot[0].isupper() else word
