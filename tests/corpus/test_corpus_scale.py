"""The fast searches of the corpus stage find what their plain definitions find."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.corpus.candidate import Candidate
from tasks.corpus.dedup import DedupSpec, without_duplicates
from tasks.corpus.split import Group, _Draw
from tasks.held_out import DecontaminationSpec, found_in, held_out
from tasks.ngrams import has_digit, ngrams, words
from tasks.spec import digest
from tests.corpus.test_corpus import candidate, questions

K = TypeVar("K", str, tuple[str, str])
WORDS = st.sampled_from(["a", "b", "c", "ß", "7", "x2"])
TEXTS = st.lists(WORDS, max_size=9).map(" ".join)


def plain_contamination(
    one: Candidate, items: Sequence[str], spec: DecontaminationSpec
) -> tuple[str, str] | None:
    """The definition: every run of words, then every item, looked for in the whole text."""
    tokens = words(one.conversation)
    seen = Counter(gram for item in items for gram in set(ngrams(words(item), spec.words)))
    for gram in ngrams(tokens, spec.words):
        if 0 < seen[gram] < spec.template_items:
            return "bench", " ".join(gram)
    text = f" {' '.join(tokens)} "
    for item in items:
        if f" {' '.join(words(item))} " in text:
            return "bench", " ".join(words(item))
    return None


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=6), TEXTS, TEXTS, TEXTS)
def test_the_index_of_held_out_items_finds_what_a_scan_of_all_finds(
    items: list[str], question: str, think: str, answer: str
) -> None:
    spec = DecontaminationSpec(words=5)
    one = candidate(1, question=question, think=think, answer=answer)
    known = held_out(questions(*items), spec)
    assert found_in(one.conversation, known, spec) == plain_contamination(one, items, spec)


def plain_near(one: Candidate, other: Candidate, spec: DedupSpec) -> bool:
    left, right = (set(ngrams(each.words, 3)) for each in (one, other))
    if not left or not right or len(left & right) < spec.jaccard * len(left | right):
        return False
    numbers = [Counter(filter(has_digit, each.words)) for each in (one, other)]
    return not spec.same_numbers or numbers[0] == numbers[1]


def plain_duplicates(found: list[Candidate], spec: DedupSpec) -> dict[str, str]:
    """The definition: each row against every representative, in order, by sets of shingles."""
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=spec.jaccard, num_perm=128, num_bands=32)
    first: dict[tuple[str, ...], Candidate] = {}
    said: dict[str, str] = {}
    for one in found:
        same = first.setdefault(tuple(one.words), one)
        if same is not one:
            said[one.trace_id] = f"same words as {same.trace_id}"
    kept: list[Candidate] = []
    standing: Counter[str] = Counter()
    for one in first.values():
        sketch = RMinHash(num_perm=128, seed=1)
        sketch.update([" ".join(gram) for gram in ngrams(one.words, 3)] or one.words)
        near = (kept[number] for number in sorted(lsh.query(sketch)))
        match = next((rep for rep in near if plain_near(rep, one, spec)), None)
        if match is None:
            lsh.insert(len(kept), sketch)
            kept.append(one)
        by = (match or one).trace_id
        standing[by] += 1
        if match and standing[by] > spec.copies:
            said[one.trace_id] = f"of {by}"
    return said


LONG = [
    f"w{place}" if place % 7 == 0 else "abcdefgh"[place % 8] * (place % 5 + 1)
    for place in range(30)
]
EDITS = st.lists(
    st.tuples(st.sampled_from([3, 4, 12, 20]), st.sampled_from(["q", "5", "6"])), max_size=3
)


def edited(edits: list[tuple[int, str]]) -> str:
    tokens = list(LONG)
    for place, word in edits:
        tokens[place] = word
    return " ".join(tokens)


@settings(deadline=None)
@example([[(3, "5")], [(3, "5"), (12, "5")]], 0.5, True, 1)
@given(
    st.lists(EDITS | st.just([(n, "z") for n in range(29)]), max_size=12),
    st.sampled_from([0.5, 0.8, 1.0]),
    st.booleans(),
    st.integers(1, 3),
)
def test_near_duplicates_are_those_of_the_plain_definition(
    several: list[list[tuple[int, str]]], jaccard: float, same_numbers: bool, copies: int
) -> None:
    spec = DedupSpec(jaccard=jaccard, same_numbers=same_numbers, copies=copies)
    found = [candidate(n, think=edited(edits), answer="") for n, edits in enumerate(several, 1)]
    kept, rejected = without_duplicates(found, spec)
    said = plain_duplicates(found, spec)
    assert {one.trace_id: one.detail for one in rejected} == said
    assert [one.trace_id for one in kept] == [
        one.trace_id for one in found if one.trace_id not in said
    ]


GROUPS = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from("fgh"), st.sampled_from("12")), st.integers(1, 4), min_size=1
    ),
    min_size=1,
    max_size=12,
)


def groups_of(rows: list[dict[tuple[str, str], int]]) -> list[Group]:
    found = []
    for number, kinds in enumerate(rows):
        families: Counter[str] = Counter()
        for (family, _), count in kinds.items():
            families[family] += count
        found.append(Group(f"t{number}", families, Counter(kinds)))
    return found


def plain_draw(groups: list[Group], share: float) -> list[str]:
    """The definition: every group is looked at for every family and every kind."""
    left = sorted(groups, key=lambda one: (one.rows, digest("validation", one.name)))
    all_families = sum((one.families for one in groups), Counter[str]())
    all_kinds = sum((one.kinds for one in groups), Counter[tuple[str, str]]())
    families: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    chosen: list[str] = []

    def take(group: Group) -> None:
        left.remove(group)
        chosen.append(group.name)
        families.update(group.families)
        kinds.update(group.kinds)

    def fits(group: Group) -> bool:
        lacks = sum(max(0.0, share * all_families[one] - families[one]) for one in group.families)
        return group.rows <= min(share * all_families.total() - families.total(), 2 * lacks)

    def leaves(held: Counter[K], every: Counter[K], own: Counter[K]) -> bool:
        return all(held[one] + rows < every[one] for one, rows in own.items())

    for family in sorted(all_families, key=lambda one: (all_families[one], one)):
        for group in list(left):
            wanted = not families[family] and group.families[family]
            if wanted and leaves(families, all_families, group.families):
                take(group)
    for kind in sorted(all_kinds, key=lambda one: (all_kinds[one], one)):
        for group in list(left):
            lacking = share * all_kinds[kind] - kinds[kind] >= 0.5
            wanted = lacking and group.kinds[kind] and fits(group)
            if wanted and leaves(kinds, all_kinds, group.kinds):
                take(group)
    for group in list(left):
        if fits(group) and leaves(families, all_families, group.families):
            take(group)
    return chosen


@settings(deadline=None)
@given(GROUPS, st.floats(0.05, 0.9))
def test_the_draw_of_the_validation_split_is_that_of_the_plain_definition(
    rows: list[dict[tuple[str, str], int]], share: float
) -> None:
    groups = groups_of(rows)
    draw = _Draw(groups, share)
    draw.one_of_each_family()
    draw.kinds()
    draw.families()
    assert draw.chosen == plain_draw(groups, share)
