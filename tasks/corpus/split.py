"""Which rows are kept for validation: whole groups of rows that belong together, of every family
and kind.

Rows belong together when they stand on one document, or say the same but for their figures.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from tasks.corpus.candidate import Candidate
from tasks.ngrams import words
from tasks.spec import digest

Stratum = tuple[str, str]
FIGURE = "#"


@dataclass(frozen=True)
class Group:
    """Rows that must stay on one side. name: the least of their trace ids. families, kinds: rows of
    each.
    """

    name: str
    families: Counter[str]
    kinds: Counter[Stratum]

    @classmethod
    def of(cls, several: Sequence[Candidate]) -> "Group":
        """Return what counts of these rows."""
        return cls(
            min(one.trace_id for one in several),
            Counter(one.family for one in several),
            Counter(map(stratum, several)),
        )

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.families.total()


def split(found: Sequence[Candidate], *, share: float) -> set[str]:
    """Return the trace ids of the validation split: about `share` of the rows.

    Every family of several groups gets one of them, though it may be larger than its share. Then
    every kind is brought near its share, then every family, as long as `share` of all rows is not
    exceeded. Where all rows are one group, or `share` is 0, nothing is kept for validation.
    """
    several = {Group.of(rows).name: rows for rows in groups_of(found)}
    if not share or len(several) < 2:
        return set()
    draw = _Draw([Group.of(rows) for rows in several.values()], share)
    draw.one_of_each_family()
    draw.kinds()
    draw.families()
    return {one.trace_id for name in draw.chosen for one in several[name]}


def stratum(one: Candidate) -> Stratum:
    """Return what a row is: its family, and the kind within it."""
    return one.family, one.kind


def missing(found: Iterable[Candidate], validation: set[str]) -> dict[str, list[str]]:
    """Return split → families of the corpus without a row in it; empty splits lack them all."""
    held: dict[str, set[str]] = {"train": set(), "validation": set()}
    for one in found:
        held["validation" if one.trace_id in validation else "train"].add(one.family)
    every = held["train"] | held["validation"]
    return {name: sorted(every - families) for name, families in held.items()}


def groups_of(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Return the rows in groups that share documents or a text without its figures, by name."""
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
    """Return a text's words with every word that holds a digit as one sign."""
    return " ".join(
        FIGURE if any(char.isdigit() for char in word) else word for word in words(text)
    )


def _ties(one: Candidate) -> list[Hashable]:
    documents: list[Hashable] = [("document", document) for document in one.documents]
    asked = ("prompt", digest(without_figures(one.question)))
    answered = ("completion", digest(without_figures(one.completion)))
    return [*documents, asked, answered]


class _Draw:
    """Takes groups for validation, the smallest first; of one size, in an order that is drawn by
    name.
    """

    def __init__(self, groups: Sequence[Group], share: float) -> None:
        self._left = sorted(groups, key=lambda one: (one.rows, digest("validation", one.name)))
        self._share = share
        self._family_rows = sum((one.families for one in groups), Counter[str]())
        self._kind_rows = sum((one.kinds for one in groups), Counter[Stratum]())
        self._families: Counter[str] = Counter()
        self._kinds: Counter[Stratum] = Counter()
        self.chosen: list[str] = []

    def one_of_each_family(self) -> None:
        """Take a group for every family that has none, if training keeps rows of all its families."""
        for family in sorted(self._family_rows, key=lambda one: (self._family_rows[one], one)):
            for group in self._left:
                if self._families[family]:
                    break
                if group.families[family] and self._leaves_families(group):
                    self._take(group)

    def kinds(self) -> None:
        """Take groups for the kinds that lack rows."""
        for kind in sorted(self._kind_rows, key=lambda one: (self._kind_rows[one], one)):
            for group in list(self._left):
                if self._share * self._kind_rows[kind] - self._kinds[kind] < 0.5:
                    break
                if group.kinds[kind] and self._fits(group) and self._leaves_kinds(group):
                    self._take(group)

    def families(self) -> None:
        """Take groups, larger ones too, for the families that lack rows."""
        for group in list(self._left):
            if self._fits(group) and self._leaves_families(group):
                self._take(group)

    def _lack(self, family: str) -> float:
        return max(0.0, self._share * self._family_rows[family] - self._families[family])

    def _take(self, group: Group) -> None:
        self._left = [one for one in self._left if one is not group]
        self.chosen.append(group.name)
        self._families.update(group.families)
        self._kinds.update(group.kinds)

    def _fits(self, group: Group) -> bool:
        """Whether `share` of all rows is not exceeded, and its families come nearer to their
        shares.
        """
        room = self._share * self._family_rows.total() - self._families.total()
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
