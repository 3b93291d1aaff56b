"""What a sentence asserts: numbers with their units, labelled numbers, and names."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from tasks.verdicts.claims.tokens import Token, Tokens, stem, tokens

Kind = Literal["number", "label", "name"]
TIME = frozenset(
    map(stem, "second seconds minute minutes hour hours day days week weeks month months".split())
) | frozenset(map(stem, "year years quarter quarters fortnight decade decades".split()))
MONEY = frozenset(
    map(stem, "credit credits euro euros eur dollar dollars usd cent cents pound pounds".split())
) | frozenset(map(stem, "franc francs yen gbp chf".split()))
LABELS = frozenset(
    """section sections rule rules article articles chapter chapters part parts clause clauses
    paragraph paragraphs form forms figure figures table tables schedule appendix annex claim
    claims exhibit item step page pages line lines day question option class note example volume
    room act title""".split()
)
"""Words that give a number as a name: "Section 7" is not seven sections."""
MEASURES = frozenset(
    map(
        stem,
        """percent metre metres meter meters centimetre centimetres millimetre kilometre kilometres
        km cm mm kg kilogram kilograms gram grams tonne tonnes litre litres liter liters millilitre
    millilitres bar degrees degree °c °f mb gb tb m s g l h ml kpa psi mph megabytes gigabytes
    volt volts watt watts""".split(),
    )
)
_SIGNS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "%": "percent", "§": "section"}
_PER_CENT = {"per": "percent", "percent": "percent", "pct": "percent"}
_NO_UNIT = frozenset(
    """a an the and or but if of to in on for by with from at as is are was were be been it that
    this these those which who what when where than then not no per so do does did has have had
    may must can could should would will shall only also about within after before under over
    each any all more less""".split()
)
MONTHS = frozenset(
    """january february march april may june july august september october november
    december""".split()
)
"""Month names; "may" counts as one only beside a number."""
MONTH_STEMS = frozenset(map(stem, MONTHS))


WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())


class Value(NamedTuple):
    """Something a text asserts that must stand in its source.

    text: the number (digits) or the name's words, case-folded. units: stems of what is counted,
    nearest first, empty when the text gives none; of a label, the word before the number.
    """

    kind: Kind
    text: str
    units: tuple[str, ...]
    start: int
    end: int

    @property
    def is_time(self) -> bool:
        """Whether it is a length of time."""
        return any(unit in TIME or unit == "clock" for unit in self.units[:1])

    @property
    def dated(self) -> str:
        """The day of a year, or the month of a day; "" for other numbers."""
        unit = self.units[0] if self.units else ""
        return unit if unit in MONTH_STEMS or unit[:1].isdigit() else ""

    @property
    def is_measured(self) -> bool:
        """Whether a word behind the number is a unit of measure."""
        return self.units[:1] == ("clock",) or bool({*self.units} & (TIME | MONEY | MEASURES))

    @property
    def is_money(self) -> bool:
        """Whether it is an amount of money."""
        return any(unit in MONEY for unit in self.units)

    def agrees_with(self, other: "Value") -> bool:
        """Return whether both say the same: equal text, and units that do not speak against it."""
        if self.kind != other.kind or self.text != other.text:
            return False
        return not (self.units and other.units) or bool(set(self.units) & set(other.units))


@lru_cache(maxsize=4096)
def values(text: str, *, names: frozenset[str] = frozenset()) -> tuple[Value, ...]:
    """Return the values that a text asserts, in order of their place.

    names: case-folded words known to be names, so that one is recognised at the start of a
    sentence too.

    >>> found = values("Section 7 asks Ms Vale for 40 euros.")
    >>> [(one.kind, one.text, one.units[:1]) for one in found]
    [('label', '7', ('section',)), ('name', 'vale', ()), ('number', '40', ('euro',))]
    """
    return tuple([one for one, opens in _marked(text) if not opens or one.text in names])


@lru_cache(maxsize=8192)
def _marked(text: str) -> tuple[tuple[Value, bool], ...]:
    """Return every value with whether it is a name only if it is known: it opens a sentence."""
    found = tokens(text)
    both = [*((one, False) for one in _numbers(found)), *_names(found)]
    return tuple(sorted(both, key=lambda one: one[0].start))


@lru_cache(maxsize=4096)
def name_words(text: str) -> frozenset[str]:
    """Return the case-folded words that the text writes like names, inside its sentences."""
    return frozenset(one.text for one in values(text) if one.kind == "name")


def _numbers(found: Tokens) -> Iterator[Value]:
    for place, norm in enumerate(found.norms):
        if norm in _ORDINALS:
            if _is_counted(found, place):
                units = tuple(_unit_words(found, place))
                yield _value("number", _ORDINALS[norm], units, found, place)
        elif norm[0].isdigit():
            yield _number(found, place)


def _number(found: Tokens, place: int) -> Value:
    norm = found.norms[place]
    if label := _label(found, place):
        return _value("label", norm, (label,), found, place)
    number, units = _date(found, place) or (norm, _units(found, place))
    return _value("number", number, units, found, place)


def _value(kind: Kind, text: str, units: tuple[str, ...], found: Tokens, place: int) -> Value:
    return Value(kind, text, units, found.starts[place], found.end(place))


_ORDINALS = {"first": "1th", "second": "2th"}
_ARTICLES = frozenset("the a an his her its their every each this that".split())


def _is_counted(found: Tokens, place: int) -> bool:
    """Return whether "first" or "second" counts a thing: "the second reminder"."""
    behind = found.norms[place + 1 : place + 2]
    before = found.norms[place - 1] if place else ""
    return before in _ARTICLES and bool(behind) and behind[0] not in _NO_UNIT


def _date(found: Tokens, place: int) -> tuple[str, tuple[str, ...]] | None:
    """Return the number and the unit of a day ("3rd of November") or of the year behind one.

    The unit of a day is its month, and the unit of a year is its day: "3 november".
    """
    norms = found.norms
    around = norms[max(0, place - 3) : place + 3]
    if MONTHS.isdisjoint(around):
        return None
    ahead = [one for one in found[place + 1 : place + 3] if one.norm not in ("of", "day")]
    if ahead and _is_month(ahead[0]) and len(norms[place]) <= len("31th"):
        return norms[place].removesuffix("th"), (stem(ahead[0].norm),)
    before = [one for one in found[max(0, place - 3) : place] if one.norm != "of"]
    if len(before) > 1 and _is_month(before[-1]) and before[-2].is_number:
        return norms[place], (f"{before[-2].norm.removesuffix('th')} {before[-1].norm}",)
    return None


def _is_month(token: Token) -> bool:
    return token.norm in MONTHS and token.is_capitalised


def _label(found: Tokens, place: int) -> str:
    """Return the stem of the word that labels a number ("Section 7"), else ""."""
    start = found.starts[place]
    if found.text[:start].rstrip()[-1:] == "§":
        return stem("section")
    before = found.norms[place - 1] if place else ""
    if before not in LABELS:
        return ""
    between = found.text[found.end(place - 1) : start]
    return "" if between.strip(" \u00a0.§") else stem(before)


def _units(found: Tokens, place: int) -> tuple[str, ...]:
    """Return the stems of what a number counts: a sign beside it, or the words behind it."""
    if ":" in found.norms[place]:
        return ("clock",)
    before = found.text[: found.starts[place]].rstrip()[-1:]
    behind = found.text[found.end(place) :].lstrip()[:1]
    signs = [_SIGNS[sign] for sign in (before, behind) if sign in _SIGNS]
    return tuple(map(stem, signs)) or tuple(_unit_words(found, place))


def _unit_words(found: Tokens, place: int) -> Iterator[str]:
    after = found.norms[place + 1 : place + 3]
    if len(after) == 2 and after[0] in ("and", "to", "or") and after[1][0].isdigit():
        yield from _unit_words(found, place + 2)
        return
    for at, norm in enumerate(after, place + 1):
        between = found.text[found.end(at - 1) : found.starts[at]]
        month = norm == "may" and found.surfaces[at][0].isupper()
        if (
            norm[0].isdigit()
            or (norm in _NO_UNIT and norm != "per" and not month)
            or between.strip(" -\u00a0\u2011")
        ):
            return
        yield stem(_PER_CENT.get(norm, norm))


def _names(found: Tokens) -> Iterator[tuple[Value, bool]]:
    """Yield every word that may be a name, and whether it begins a sentence."""
    for place, surface in enumerate(found.surfaces):
        if surface[0].isupper() and _may_be_a_name(found, place):
            opens = _begins_a_sentence(found.text, found.starts[place])
            yield _value("name", found.norms[place], (), found, place), opens


def _may_be_a_name(found: Tokens, place: int) -> bool:
    """Return whether a word with a capital is neither grammar nor a title nor a label."""
    norm = found.norms[place]
    if norm[0].isdigit() or len(found.surfaces[place]) < 2:
        return False
    return not (norm in _NO_UNIT or norm in _TITLES or _labels_a_number(found, place))


_TITLES = frozenset("mr mrs ms dr prof".split())


def _labels_a_number(found: Tokens, place: int) -> bool:
    behind = found.norms[place + 1 : place + 2]
    return bool(behind) and behind[0][0].isdigit() and found.norms[place] in LABELS


def _begins_a_sentence(text: str, place: int) -> bool:
    before = text[:place].rstrip(" \t\"'“‘«([*_-–—•>")
    return not before or before[-1] in '.!?:;\n…])”"'
