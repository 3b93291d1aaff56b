import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import rows, think
from tasks.errors import MillError, SchemaMismatch, Terminal, Transient, unknown_name
from tasks.ngrams import ngrams, repeated_share, words
from tasks.spec import Spec, digest, draw_seed, fingerprint

TEXT = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda text: text and "<" not in text)
)


@given(TEXT, TEXT)
def test_split_undoes_join(thought: str, answer: str) -> None:
    assert think.split(think.join(thought, answer)) == (thought, answer, None)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<think>a</think>b", None),
        ("  <think>\na\n</think>\n\nb", None),
        ("b", "missing_think"),
        ("<think>a", "unclosed_think"),
        ("a</think>b", "orphan_close"),
        ("</think>a<think>b", "orphan_close"),
        ("<think>a</think>b</think>", "repeated_think"),
        ("<think><think>a</think>b", "repeated_think"),
        ("<think>a</think>b<think>c</think>d", "repeated_think"),
        ("Sure! <think>a</think>b", "text_before_think"),
        ("<think> </think>b", "empty_think"),
        ("<think>a</think> ", "empty_answer"),
    ],
)
def test_every_way_to_break_the_grammar_has_a_name(text: str, fault: str | None) -> None:
    assert think.split(text).fault == fault


def test_reasoning_from_a_field_of_its_own_is_put_inline() -> None:
    assert think.split(think.from_fields(" why ", " so ", cut=False)) == ("why", "so", None)


def test_words_are_alphanumeric_and_lower_case() -> None:
    assert words("The Examiner's §103-rejection, ﬁnal_1") == [
        "the",
        "examiner",
        "s",
        "103",
        "rejection",
        "final",
        "1",
    ]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 4))
def test_there_are_as_many_ngrams_as_places(tokens: list[str], n: int) -> None:
    assert len(list(ngrams(tokens, n))) == max(0, len(tokens) - n + 1)


def test_repeated_share_is_zero_without_and_near_one_with_a_loop() -> None:
    assert repeated_share(words("each word stands here once only"), 2) == 0
    assert repeated_share(["a", "b"] * 100, 3) > 0.97


def test_digest_cannot_be_fooled_by_moving_a_border() -> None:
    assert digest("ab", "c") != digest("a", "bc")


def test_seeds_depend_on_every_part_and_fit_an_engine() -> None:
    seeds = {
        draw_seed(run, prompt, sample)
        for run in range(3)
        for prompt in "xyz"
        for sample in range(3)
    }
    assert len(seeds) == 27
    assert all(0 <= seed < 2**31 for seed in seeds)


class _Knob(Spec):
    turn: int = 1


def test_fingerprints_change_with_stage_version_spec_and_inputs() -> None:
    base: dict[str, object] = {"stage": "a", "version": 1, "spec": _Knob(), "inputs": {"x": "1"}}
    changes: list[dict[str, object]] = [
        {},
        {"stage": "b"},
        {"version": 2},
        {"spec": _Knob(turn=2)},
        {"inputs": {"x": "2"}},
    ]
    assert len({fingerprint(**base | change) for change in changes}) == 5  # type: ignore[arg-type]


def test_a_spec_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="turns"):
        _Knob(turns=3)  # type: ignore[call-arg]


def test_every_error_is_transient_or_terminal() -> None:
    def leaves(kind: type[MillError]) -> set[type[MillError]]:
        return {kind} | {leaf for below in kind.__subclasses__() for leaf in leaves(below)}

    assert all(issubclass(kind, Transient | Terminal) for kind in leaves(MillError) - {MillError})


def test_an_unknown_name_lists_the_known_ones() -> None:
    assert (
        str(unknown_name("engine", "vlm", ["vllm", "scripted"]))
        == "unknown engine 'vlm'; known: scripted, vllm"
    )


VERDICT = {"trace_id": "t", "gate": "g", "state": "passed", "reason": "", "score": 1.0}


@pytest.mark.parametrize("change", [{"reason": None}, {"score": "high"}])
def test_a_null_or_a_wrong_type_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SchemaMismatch):
        rows.table_of([VERDICT | change], rows.VERDICTS)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaMismatch, match="score"):
        rows.conform(
            pa.table({name: [value] for name, value in VERDICT.items() if name != "score"}),
            rows.VERDICTS,
        )


def test_no_schema_lets_a_null_in() -> None:
    schemas = [value for value in vars(rows).values() if isinstance(value, pa.Schema)]
    assert rows.TRACES in schemas and rows.REJECTED in schemas
    assert not [field.name for schema in schemas for field in schema if field.nullable]
