"""The validation split: of every family and kind, and never two halves of what belongs together."""

import logging
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.corpus.assemble import _warn_of_missing_families
from tasks.corpus.candidate import Candidate
from tasks.corpus.split import missing, split, stratum, without_figures

WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi pi rho".split()


def row(
    number: int,
    *,
    family: str = "f",
    kind: str = "",
    documents: tuple[str, ...] = (),
    ask: str = "",
) -> Candidate:
    """Return a row whose words no other row shares."""
    own = f"{WORDS[number % 16]} {WORDS[number // 16 % 16]} {WORDS[number // 256 % 16]}"
    messages = [{"content": ask or own}]
    asked = {
        "prompt_id": f"q{number}",
        "family": family,
        "messages": messages,
        "row_messages": [],
    }
    trace = {"trace_id": f"t{number:04d}", "think": own, "answer": own}
    sources = tuple({"document_id": one} for one in documents)
    return Candidate(trace, asked, {}, sources, known_answer=False, kind=kind)


rows_of_a_corpus = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from("xyz"),
        st.sets(st.sampled_from("123456789"), max_size=2),
        st.sampled_from(["", "What is 1 + 2?", "What is 3 + 4?", "Add 5 and 6."]),
    ),
    max_size=60,
)


@given(rows_of_a_corpus, st.floats(0, 0.5))
def test_what_belongs_together_is_on_one_side_and_training_keeps_every_family(
    drawn: list[tuple[str, str, set[str], str]], share: float
) -> None:
    found = [
        row(number, family=family, kind=kind, documents=tuple(sorted(documents)), ask=ask)
        for number, (family, kind, documents, ask) in enumerate(drawn)
    ]
    validation = split(found, share=share)
    documents: list[set[str]] = [set(), set()]
    texts: list[set[str]] = [set(), set()]
    for one in found:
        side = one.trace_id in validation
        documents[side].update(one.documents)
        texts[side].add(without_figures(one.question))
    assert not documents[0] & documents[1]
    assert not texts[0] & texts[1]
    assert not missing(found, validation)["train"]
    assert validation == split(found[::-1], share=share)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4])
def test_every_family_and_kind_is_split_alike_where_the_rows_stand_alone(share: float) -> None:
    found = [
        row(number, family="fgh"[number % 3], kind="xy"[number // 3 % 2]) for number in range(300)
    ]
    validation = split(found, share=share)
    every, held = (
        Counter(stratum(one) for one in several)
        for several in (found, (one for one in found if one.trace_id in validation))
    )
    assert all(abs(held[one] - share * every[one]) <= 1 for one in every)


def test_a_family_of_few_large_groups_gets_one_though_it_exceeds_its_share() -> None:
    small = [row(number, family="small") for number in range(90)]
    large = [row(100 + n, family="large", documents=(f"d{n % 2}",)) for n in range(20)]
    validation = split([*small, *large], share=0.1)
    assert missing([*small, *large], validation) == {"train": [], "validation": []}
    assert len([one for one in large if one.trace_id in validation]) == 10


def test_a_family_in_one_group_stays_whole_in_training_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = [row(n, family="whole", documents=("d",)) for n in range(5)]
    found = [*whole, *(row(10 + n, family="other") for n in range(20))]
    validation = split(found, share=0.2)
    assert missing(found, validation) == {"train": [], "validation": ["whole"]}
    with caplog.at_level(logging.WARNING, logger="tasks"):
        _warn_of_missing_families(found, validation, share=0.2)
    assert "the validation split holds no row of whole" in caplog.text


def test_an_empty_validation_split_is_said_unless_none_was_wanted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = [row(n, family="whole", documents=("d",)) for n in range(5)]
    validation = split(found, share=0.2)
    with caplog.at_level(logging.WARNING, logger="tasks"):
        _warn_of_missing_families(found, validation, share=0)
        assert caplog.text == ""
        _warn_of_missing_families(found, validation, share=0.2)
    assert "the validation split is empty: all 5 rows share documents or texts" in caplog.text


def test_twins_with_other_figures_are_of_one_text() -> None:
    assert without_figures("What is 17 + 25?") == without_figures("what is 3 + 4")
    assert without_figures("Due in 3 weeks.") != without_figures("Due in three weeks.")


@pytest.mark.parametrize("count", [0, 1])
def test_a_corpus_that_cannot_be_split_is_all_for_training(count: int) -> None:
    assert split([row(number) for number in range(count)], share=0.5) == set()
    assert split([row(number) for number in range(9)], share=0) == set()
