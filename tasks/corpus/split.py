"""The validation split: whole groups of related rows, from every family and kind.

Rows are related if they use the same document, or read the same except for their figures.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tasks.corpus.candidate import Candidate
from tasks.ngrams import has_digit, words
from tasks.spec import digest

K = TypeVar("K", bound=Hashable)
Stratum = tuple[str, str]
FIGURE = "#"
"""Stands for a word with a digit."""


@dataclass(frozen=True)
class Group:
    """Related rows, which must all be in the same split. name: the smallest of their trace ids.
    families, kinds: number of rows of each.
    """

    name: str
    families: Counter[str]
    kinds: Counter[Stratum]

    @classmethod
    def of(cls, several: Sequence[Candidate]) -> "Group":
        """Return the group of these rows."""
        return cls(
            min(one.trace_id for one in several),
            Counter(one.family for one in several),
            Counter(map(stratum, several)),
        )

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.families.total()


def split(found: Sequence[Candidate], *, share: float) -> set[str]:
    """Return the trace ids of the validation split: about `share` of the rows.

    Every family with several groups gives one group, even if that is larger than its share. Then
    rows are added until every kind is near its share, then every family, within `share` of all
    rows. The result is empty if all rows are one group or `share` is 0.
    """
    several = groups_of(found) if share else []
    if len(several) < 2:
        return set()
    groups = [Group.of(rows) for rows in several]
    draw = _Draw(groups, share)
    draw.one_of_each_family()
    draw.kinds()
    draw.families()
    members = {group.name: rows for group, rows in zip(groups, several, strict=True)}
    return {one.trace_id for name in draw.chosen for one in members[name]}


def stratum(one: Candidate) -> Stratum:
    """Return the family of a row, and its kind within the family."""
    return one.family, one.kind


def missing(found: Iterable[Candidate], validation: set[str]) -> dict[str, list[str]]:
    """Return split → families of the corpus without a row in it. An empty split lacks all
    families.
    """
    held: dict[str, set[str]] = {"train": set(), "validation": set()}
    for one in found:
        held["validation" if one.trace_id in validation else "train"].add(one.family)
    every = held["train"] | held["validation"]
    return {name: sorted(every - families) for name, families in held.items()}


def groups_of(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Return the rows in groups that share documents or a text without its figures, sorted by
    name.
    """
    parent: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for one in found:
        for key in _ties(one):
            parent[root(key)] = root(("row", one.trace_id))
    groups: dict[Hashable, list[Candidate]] = defaultdict(list)
    for one in found:
        groups[root(("row", one.trace_id))].append(one)
    return sorted(groups.values(), key=lambda several: min(one.trace_id for one in several))


def without_figures(text: str) -> str:
    """Return a text's words, with FIGURE for every word that holds a digit."""
    return " ".join(FIGURE if has_digit(word) else word for word in words(text))


def _ties(one: Candidate) -> list[Hashable]:
    documents: list[Hashable] = [("document", document) for document in one.documents]
    asked = ("prompt", digest(without_figures(one.question)))
    answered = ("completion", digest(without_figures(one.completion)))
    return [*documents, asked, answered]


def _by_key(groups: Iterable[Group], keys: Callable[[Group], Counter[K]]) -> dict[K, list[Group]]:
    """Return key → the groups that hold it, in their order."""
    held: dict[K, list[Group]] = defaultdict(list)
    for group in groups:
        for key in keys(group):
            held[key].append(group)
    return held


def _added(counters: Iterable[Counter[K]]) -> Counter[K]:
    total: Counter[K] = Counter()
    for one in counters:
        total.update(one)
    return total


class _Draw:
    """Chooses groups for validation, the smallest first. Groups of one size come in an order drawn
    by name.
    """

    def __init__(self, groups: Sequence[Group], share: float) -> None:
        ordered = sorted(groups, key=lambda one: (one.rows, digest("validation", one.name)))
        self._left = {group.name: group for group in ordered}
        self._of_family = _by_key(ordered, lambda one: one.families)
        self._of_kind = _by_key(ordered, lambda one: one.kinds)
        self._share = share
        self._family_rows = _added(one.families for one in groups)
        self._kind_rows = _added(one.kinds for one in groups)
        self._room = share * self._family_rows.total()
        self._families: Counter[str] = Counter()
        self._kinds: Counter[Stratum] = Counter()
        self._taken = 0
        self.chosen: list[str] = []

    def one_of_each_family(self) -> None:
        """Choose a group for every family that has none, if training keeps rows of all its
        families.
        """
        for family in sorted(self._family_rows, key=lambda one: (self._family_rows[one], one)):
            for group in self._still(self._of_family[family]):
                if self._families[family]:
                    break
                if self._leaves_families(group):
                    self._take(group)

    def kinds(self) -> None:
        """Choose groups for the kinds that lack rows."""
        for kind in sorted(self._kind_rows, key=lambda one: (self._kind_rows[one], one)):
            for group in self._still(self._of_kind[kind]):
                if self._share * self._kind_rows[kind] - self._kinds[kind] < 0.5:
                    break
                if self._fits(group) and self._leaves_kinds(group):
                    self._take(group)

    def families(self) -> None:
        """Choose groups, larger ones too, for the families that lack rows."""
        for group in list(self._left.values()):
            if self._fits(group) and self._leaves_families(group):
                self._take(group)

    def _still(self, groups: Sequence[Group]) -> Iterator[Group]:
        """Yield those of the groups that are not yet chosen."""
        return (group for group in groups if group.name in self._left)

    def _lack(self, family: str) -> float:
        return max(0.0, self._share * self._family_rows[family] - self._families[family])

    def _take(self, group: Group) -> None:
        del self._left[group.name]
        self.chosen.append(group.name)
        self._taken += group.rows
        self._families.update(group.families)
        self._kinds.update(group.kinds)

    def _fits(self, group: Group) -> bool:
        """Return whether the group stays within `share` of all rows and brings its families nearer
        to their shares.
        """
        room = self._room - self._taken
        lacks = sum(self._lack(family) for family in group.families)
        return group.rows <= min(room, 2 * lacks)

    def _leaves_families(self, group: Group) -> bool:
        return all(
            self._families[one] + rows < self._family_rows[one]
            for one, rows in group.families.items()
        )

    def _leaves_kinds(self, group: Group) -> bool:
        return all(
            self._kinds[one] + rows < self._kind_rows[one] for one, rows in group.kinds.items()
        )
