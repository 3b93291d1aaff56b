"""The audit's arithmetic, each part against a slower or better known implementation."""

import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, false_discovery_control

from tasks.audit.batch import Batch
from tasks.audit.characters import repeated_shares
from tasks.audit.concentration import Tail
from tasks.audit.counts import Counts, grams_of
from tasks.audit.discovery import false_discovery
from tasks.audit.novelty import Null, scan, stretch
from tasks.audit.openers import LockedLabelDetector
from tasks.audit.other_rows import OtherRowDetector
from tasks.audit.preset import GATES, FourGateDetector
from tasks.audit.tokens import Tokens, exact_tokens, ngram_hashes, tokens_of
from tasks.ngrams import laps, words

TEXTS = st.lists(
    st.text(st.sampled_from("abAB 012.,é漢🙂\n'"), max_size=30), min_size=1, max_size=6
)


def tokens(*texts: str) -> Tokens:
    return tokens_of(pa.array(texts, pa.string()))


def hashes(text: str) -> list[int]:
    return [int(one) for one in tokens(text).hashes]


def batch(thinks: list[str], prompts: list[str] | None = None) -> Batch:
    columns = {
        "id": [f"row-{number}" for number in range(len(thinks))],
        "prompt": prompts or ["" for _ in thinks],
        "think": thinks,
        "answer": ["" for _ in thinks],
        "fault": ["" for _ in thinks],
    }
    return Batch(
        0,
        pa.RecordBatch.from_pydict(
            {name: pa.array(values, pa.string()) for name, values in columns.items()}
        ),
    )


@settings(deadline=None)
@given(TEXTS)
def test_a_text_has_the_same_tokens_alone_and_among_others(texts: list[str]) -> None:
    for cut in (tokens_of, exact_tokens):
        together = cut(pa.array(texts, pa.string()))
        apart = [cut(pa.array([text], pa.string())).hashes.tolist() for text in texts]
        assert [
            together.hashes[low:high].tolist() for low, high in pairwise(together.bounds)
        ] == apart


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fee", "fee"),
        ("row 7", "row 1234"),
        ("R120", "A4"),
        ("3fa9c2", "b71e00"),
        ("diversifyTone", "diversify tone"),
        ("a_b", "a_ b"),
    ],
)
def test_what_reads_alike_is_one_token(one: str, other: str) -> None:
    assert hashes(one) == hashes(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("fee", "fees"), ("7", "R7"), ("漢字", "漢語"), ("a.b", "a,b"), ("ab", "ba"), ("é", "è")],
)
def test_what_reads_differently_is_not(one: str, other: str) -> None:
    assert hashes(one) != hashes(other)


def test_numbers_count_where_they_are_asked_for_exactly() -> None:
    first, second = (exact_tokens(pa.array([text])).hashes.tolist() for text in ("row 7", "row 8"))
    assert first != second


@settings(deadline=None)
@given(TEXTS)
def test_ngrams_stay_within_their_text(texts: list[str]) -> None:
    made = tokens(*texts)
    for order in (1, 2, 3):
        found, places = ngram_hashes(made, order)
        lengths = [high - low for low, high in pairwise(made.bounds.tolist())]
        assert len(found) == sum(max(length - order + 1, 0) for length in lengths)
        assert (made.texts[places] == made.texts[places + order - 1]).all()


def test_an_ngram_counts_once_a_text_and_texts_of_one_prompt_are_one_sample() -> None:
    made = tokens("the fee the fee", "the fee", "no")
    fee = next(grams for grams in grams_of(tokens("fee")) if grams.view == "1")
    for samples, count, rows in (([0, 1, 2], 2, 3), ([0, 0, 1], 1, 2)):
        counts = Counts()
        counts.add(made, np.array(samples))
        assert (counts.of(fee).tolist(), counts.rows) == ([count], rows)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 500), st.integers(1, 5000))
def test_the_conditional_test_is_the_binomial_one(
    count: int, base: int, rows: int, baseline: int
) -> None:
    exact = binomtest(count, count + base, rows / (rows + baseline), alternative="greater").pvalue
    assert float(
        Tail(rows, baseline).p(np.array([float(count)]), np.array([float(base)]))[0]
    ) == pytest.approx(exact, rel=1e-6, abs=1e-300)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.sampled_from([0.01, 0.05, 0.2]))
def test_false_discoveries_are_bounded_as_scipy_bounds_them(p: list[float], level: float) -> None:
    adjusted = false_discovery_control(np.array(p), method="bh")
    clear = np.abs(adjusted - level) > 1e-9
    assert (false_discovery(np.array(p), level=level)[clear] == (adjusted <= level)[clear]).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([-3.0, -1.0, 0.5, 2.0, 4.0]), max_size=20), min_size=1, max_size=5
    )
)
def test_a_row_scores_its_largest_stretch(values: list[list[float]]) -> None:
    made = tokens(*(" ".join(["x"] * len(row)) for row in values))
    flat = np.array([value for row in values for value in row])
    for row, found in zip(values, scan(made, flat)[:, 2], strict=True):
        sums = [sum(row[low:high]) for low in range(len(row)) for high in range(low, len(row) + 1)]
        assert found == pytest.approx(max([0.0, *sums]), abs=1e-6)
        low, high = stretch(np.array(row))
        assert sum(row[low:high]) == pytest.approx(found, abs=1e-6)


def test_a_p_value_is_a_rank_and_goes_on_beyond_the_last_one() -> None:
    null = Null.of(np.random.default_rng(1).exponential(10, (4000, 3)))
    p = null.p_values(np.array([[0.0] * 3, [30.0, 0.0, 0.0], [120.0, 0.0, 0.0], [400.0, 0.0, 0.0]]))
    assert p[0] == 1.0
    assert p[1] == pytest.approx(3 * math.exp(-3), rel=0.2)
    assert 1e-7 < p[2] < 1e-3
    assert p[3] < 1e-9
    few = Null.of(np.ones((10, 3)))
    assert few.p_values(np.full((1, 3), 1e6))[0] == pytest.approx(3 / 11)


def test_a_window_of_eight_that_returns_is_counted() -> None:
    once = " ".join(f"w{chr(97 + number)}x" for number in range(26))
    assert repeated_shares(tokens(once))[0] == 0
    assert repeated_shares(tokens(f"{once} {once} {once}"))[0] == pytest.approx(
        (78 - 7 - 26) / (78 - 7)
    )


@pytest.mark.parametrize(
    ("text", "times", "length"),
    [
        ("so it is. " + "the condition. " * 20, 20, 40),
        ("a b c d e f g h i j " * 5, 5, 50),
        ("the same, then the same, and then not", 1, 0),
        ("0 1 " * 30, 1, 0),
        ("one two three four five six seven eight nine " * 2 + "end", 2, 18),
    ],
)
def test_what_is_said_over_and_over_is_counted_in_laps(text: str, times: int, length: int) -> None:
    assert laps(words(text), 8) == (times, length)


PROMPT = "Rule: A claim is allowed only if {}. Facts: {} claims a nozzle. Is the claim allowed?"
RULES = (
    "the oath is signed and the fee is paid",
    "the drawings are filed and the oath is signed by all who made it in time",
)


def quoting(thinks: list[str], prompts: list[str]) -> list[int]:
    detector, made = OtherRowDetector(), batch(thinks, prompts)
    detector.learn(made)
    detector.look(made)
    return [int(row) for found in detector.findings() for row in found.flags]


def test_a_prompt_of_the_same_template_is_not_a_quotation_and_another_rows_rule_is() -> None:
    prompts = [
        PROMPT.format(rule, name) for rule, name in zip(RULES, ("Reyes", "Gatt"), strict=True)
    ]
    own = [
        f"The claim is on a nozzle. Rule: A claim is allowed only if {rule}. So it is."
        for rule in RULES
    ]
    assert quoting(own, prompts) == []
    assert (
        quoting(
            [own[0], f"Another row asks whether {RULES[0]}, and then also {RULES[0]}."], prompts
        )
        == []
    )
    assert quoting([f"Another row says that {RULES[1]}.", own[1]], prompts) == [0]


def test_another_rows_id_is_a_reference_and_ones_own_is_not() -> None:
    assert quoting(["I am row-0 and I think.", "As row-0 says, and it says so."], ["", ""]) == []
    made = batch(["I am task-a1 and think.", "As task-a1 says."], ["", ""])
    named = made.rows.set_column(0, "id", pa.array(["task-a1", "task-b2"]))
    detector = OtherRowDetector()
    for step in (detector.learn, detector.look):
        step(Batch(0, named))
    assert [found.flags.tolist() for found in detector.findings()] == [[1]]


def locked(thinks: list[str], baseline: list[str] | None) -> int:
    known = Counts() if baseline else None
    if known is not None and baseline:
        known.add(tokens(*baseline), np.arange(len(baseline)))
    counts, made = Counts(), batch(thinks)
    counts.add(made.tokens, made.samples_of)
    detector = LockedLabelDetector(counts, known, np.zeros(0, np.uint64))
    detector.look(made)
    return sum(len(found.flags) for found in detector.findings())


def test_a_label_locked_to_the_opening_is_a_stamp_unless_the_baseline_opens_so() -> None:
    ways = ("the fee is due", "a reply is late", "nobody signed it", "all of it was filed")
    plain = [f"{ways[number % 4]} and so on, {ways[number % 3]}" for number in range(80)]
    stamped = [f"B{number} zesty variant. {text}" for number, text in enumerate(plain)]
    assert locked(plain, None) == 0
    assert locked(stamped, None) == 80
    assert locked(stamped, plain) == 80
    assert locked(stamped, stamped) == 0


def test_one_row_of_a_small_baseline_opens_with_a_label_by_chance() -> None:
    ways = ("the fee is due", "a reply is late", "nobody signed it", "all of it was filed")
    plain = [f"{ways[number % 4]} and so on, {ways[number % 3]}" for number in range(40)]
    stamped = [f"B{number} zesty variant. {text}" for number, text in enumerate(plain)]
    corpus = [*stamped, *plain]
    assert locked(corpus, [stamped[0], *plain[:9]]) == 40
    assert locked(corpus, [*stamped[:2], *plain[:8]]) == 0
    assert locked(corpus, [stamped[0], *plain[:7]]) == 0, (
        "of eight rows four would open so: too few to tell"
    )


@pytest.mark.parametrize(
    ("think", "gate"),
    [
        ("A4 spice it up", "family_prefix"),
        ("  E1: shorter", "family_prefix"),
        ("this is a Duplicate of that", "duplicate_of"),
        ("so diversify by tone", "diversify_by"),
        ("as in R120", "row_reference"),
        ("A3 paper", ""),
        ("In R1 we see", ""),
        ("x" * 10, "short_row"),
    ],
)
def test_the_preset_knows_its_forms_and_no_other(think: str, gate: str) -> None:
    detector = FourGateDetector()
    detector.look(batch([think if gate == "short_row" else think + " and on" * 60]))
    assert [found.detector for found in detector.findings()] == ([gate] if gate else [])
    assert gate in (*GATES, "")
