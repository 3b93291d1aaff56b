"""What a sentence asserts: numbers with their units, labelled numbers, and names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from tasks.verdicts.claims.tokens import Token, stem, tokens

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


@dataclass(frozen=True)
class Value:
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
    found = tokens(text)
    both = [*_numbers(text, found), *_names(text, found, names)]
    return tuple(sorted(both, key=lambda one: one.start))


@lru_cache(maxsize=4096)
def name_words(text: str) -> frozenset[str]:
    """Return the case-folded words that the text writes like names, inside its sentences."""
    return frozenset(one.text for one in values(text) if one.kind == "name")


def _numbers(text: str, found: Sequence[Token]) -> Iterator[Value]:
    for place, token in enumerate(found):
        if not token.is_number:
            if token.norm in _ORDINALS and _is_counted(found, place):
                units = tuple(_unit_words(text, found, place))
                yield Value("number", _ORDINALS[token.norm], units, token.start, token.end)
            continue
        label = _label(text, found, place)
        if label:
            yield Value("label", token.norm, (label,), token.start, token.end)
        else:
            day = _date(found, place)
            number, units = day or (token.norm, _units(text, found, place))
            yield Value("number", number, units, token.start, token.end)


_ORDINALS = {"first": "1th", "second": "2th"}
_ARTICLES = frozenset("the a an his her its their every each this that".split())


def _is_counted(found: Sequence[Token], place: int) -> bool:
    """Return whether "first" or "second" counts a thing: "the second reminder"."""
    behind = found[place + 1 : place + 2]
    before = found[place - 1].norm if place else ""
    return before in _ARTICLES and bool(behind) and behind[0].norm not in _NO_UNIT


def _date(found: Sequence[Token], place: int) -> tuple[str, tuple[str, ...]] | None:
    """Return the number and the unit of a day ("3rd of November") or of the year behind one.

    The unit of a day is its month, and the unit of a year is its day: "3 november".
    """
    ahead = [one for one in found[place + 1 : place + 3] if one.norm not in ("of", "day")]
    if ahead and _is_month(ahead[0]) and len(found[place].norm) <= len("31th"):
        return found[place].norm.removesuffix("th"), (stem(ahead[0].norm),)
    before = [one for one in found[max(0, place - 3) : place] if one.norm != "of"]
    if len(before) > 1 and _is_month(before[-1]) and before[-2].is_number:
        return found[place].norm, (f"{before[-2].norm.removesuffix('th')} {before[-1].norm}",)
    return None


def _is_month(token: Token) -> bool:
    return token.norm in MONTHS and token.is_capitalised


def _label(text: str, found: Sequence[Token], place: int) -> str:
    """Return the stem of the word that labels a number ("Section 7"), else ""."""
    if text[: found[place].start].rstrip()[-1:] == "§":
        return stem("section")
    before = found[place - 1] if place else None
    if before is None or before.norm not in LABELS:
        return ""
    between = text[before.end : found[place].start]
    return "" if between.strip(" \u00a0.§") else stem(before.norm)


def _units(text: str, found: Sequence[Token], place: int) -> tuple[str, ...]:
    """Return the stems of what a number counts: a sign beside it, or the words behind it."""
    token = found[place]
    if ":" in token.norm:
        return ("clock",)
    before, behind = text[: token.start].rstrip()[-1:], text[token.end :].lstrip()[:1]
    signs = [_SIGNS[sign] for sign in (before, behind) if sign in _SIGNS]
    return tuple(map(stem, signs)) or tuple(_unit_words(text, found, place))


def _unit_words(text: str, found: Sequence[Token], place: int) -> Iterator[str]:
    end = found[place].end
    after = found[place + 1 : place + 3]
    if len(after) == 2 and after[0].norm in ("and", "to", "or") and after[1].is_number:
        yield from _unit_words(text, found, place + 2)
        return
    for token in found[place + 1 : place + 3]:
        between = text[end : token.start]
        month = token.norm == "may" and token.is_capitalised
        if (
            token.is_number
            or (token.norm in _NO_UNIT - {"per"} and not month)
            or between.strip(" -\u00a0\u2011")
        ):
            return
        yield stem(_PER_CENT.get(token.norm, token.norm))
        end = token.end


def _names(text: str, found: Sequence[Token], known: frozenset[str]) -> Iterator[Value]:
    for place, token in enumerate(found):
        if not _is_name(text, found, place, known):
            continue
        yield Value("name", token.norm, (), token.start, token.end)


def _is_name(text: str, found: Sequence[Token], place: int, known: frozenset[str]) -> bool:
    token = found[place]
    if token.is_number or not token.is_capitalised or len(token.surface) < 2:
        return False
    if token.norm in _NO_UNIT or _labels_a_number(found, place) or _is_a_title(token):
        return False
    return token.norm in known or not _begins_a_sentence(text, token)


def _labels_a_number(found: Sequence[Token], place: int) -> bool:
    if place + 1 == len(found) or not found[place + 1].is_number:
        return False
    return found[place].norm in LABELS


def _is_a_title(token: Token) -> bool:
    return token.norm in {"mr", "mrs", "ms", "dr", "prof"}


def _begins_a_sentence(text: str, token: Token) -> bool:
    before = text[: token.start].rstrip(" \t\"'“‘«([*_-–—•>")
    return not before or before[-1] in '.!?:;\n…])”"'
