from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.audit.reading import Columns, RowFile
from tasks.think import Parsed, join, salvage, split, split_harmony
from tests.support.audit_corpus import CHAT, INLINE, READ, ROW, read, refusal, write

TEXT = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda text: text and "<" not in text)
)


def read_rows(folder: Path, *lines: object, **columns: object) -> list[dict[str, str]]:
    return read(write(folder / "corpus.jsonl", lines), Columns(**columns))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (
            "<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>so<|return|>",
            Parsed("why", "so", None),
        ),
        (
            "<|start|>assistant<|channel|>analysis<|message|>why<|end|><|channel|>final<|message|>so",
            Parsed("why", "so", None),
        ),
        (
            "<|channel|>analysis<|message|>a<|end|><|channel|>analysis<|message|>b<|end|><|channel|>final<|message|>so<|return|>",
            Parsed("a\n\nb", "so", None),
        ),
        (
            "<|channel|>analysis<|message|>why<|end|><|start|>assistant to=functions.f<|channel|>commentary<|message|>{}<|call|>"
            "<|start|>functions.f to=assistant<|channel|>commentary<|message|>3<|end|><|start|>assistant<|channel|>final<|message|>so<|return|>",
            Parsed("why", "so", None),
        ),
        (
            "<|channel|>analysis<|message|>why<|end|><|channel|>analysis to=python code<|message|>1+1<|call|><|channel|>final<|message|>so",
            Parsed("why", "so", None),
        ),
        (
            "<|channel|>analysis<|message|>why<|end|><|channel|>final <|constrain|>json<|message|>{}<|return|>",
            Parsed("why", "{}", None),
        ),
        (
            "<|start|>user<|message|>Ask?<|end|><|start|>assistant<|channel|>final<|message|>old<|end|><|start|>user<|message|>And?<|end|>"
            "<|start|>assistant<|channel|>analysis<|message|>why<|end|><|start|>assistant<|channel|>final<|message|>so<|return|>",
            Parsed("why", "so", None),
        ),
        (
            "<|channel|>analysis<|message|>why and then",
            Parsed("why and then", "", "unclosed_think"),
        ),
        ("<|channel|>analysis<|message|>why<|end|>", Parsed("why", "", "empty_answer")),
        (
            "<|channel|>analysis<|message|>why<|end|><|channel|>final<|message|>",
            Parsed("why", "", "empty_answer"),
        ),
        (
            "<|channel|>analysis<|message|> <|end|><|channel|>final<|message|>so<|return|>",
            Parsed("", "so", "empty_think"),
        ),
        ("<|channel|>final<|message|>so<|return|>", Parsed("", "so", "missing_think")),
        (
            "Sure! <|channel|>analysis<|message|>why<|end|><|channel|>final<|message|>so",
            Parsed("why", "so", "text_before_think"),
        ),
        (
            "<|channel|>final<|message|>so<|end|><|channel|>analysis<|message|>why<|end|>",
            Parsed("why", "so", "repeated_think"),
        ),
        ("analysisWe ask whyassistantfinalso", Parsed("We ask why", "so", None)),
        (
            "analysisaassistantcommentary to=f json{}assistantanalysisbassistantfinalso",
            Parsed("a\n\nb", "so", None),
        ),
        ("analysis of a claim", None),
        (INLINE, None),
        ("a text on <|channel|> tokens", None),
    ],
)
def test_harmony_channels_are_read_in_the_grammar_of_traces(
    text: str, parsed: Parsed | None
) -> None:
    assert split_harmony(text) == parsed


@given(TEXT, TEXT)
def test_harmony_gives_back_what_it_was_written_from(thought: str, answer: str) -> None:
    text = f"<|channel|>analysis<|message|>{thought}<|end|><|start|>assistant<|channel|>final<|message|>{answer}<|return|>"
    assert split_harmony(text) == (thought, answer, None)


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>why", "why", ""),
        ("Sure! <think>why", "why", "Sure!"),
        ("why</think>so", "why", "so"),
        ("<think>a</think>b<think>c</think>d", "a\n\nc", "b\n\nd"),
        ("<think>a<think>b</think>so", "a\n\nb", "so"),
        ("so", "", "so"),
    ],
)
def test_what_stands_in_broken_tags_is_salvaged(text: str, thought: str, answer: str) -> None:
    assert salvage(text) == (thought, answer, split(text).fault)


@given(TEXT, TEXT)
def test_nothing_is_salvaged_where_nothing_is_broken(thought: str, answer: str) -> None:
    assert salvage(join(thought, answer)) == split(join(thought, answer))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (ROW, READ),
        ({"uid": 7, "question": "Ask?", "text": INLINE}, READ | {"id": "7"}),
        (
            {
                "id": "r1",
                "prompt": "Ask?",
                "output": "<|channel|>analysis<|message|>why<|end|><|channel|>final<|message|>so<|return|>",
            },
            READ,
        ),
        ({"id": "r1", "prompt": "Ask?", "reasoning": "why", "answer": "so"}, READ),
        ({"id": "r1", "Question": "Ask?", "Complex_CoT": "why", "Response": "so"}, READ),
        (
            {"id": "r1", "prompt": "Ask?", "thinking": "<think>\nwhy\n</think>", "response": "so"},
            READ,
        ),
        (
            {"id": "r1", "prompt": "Ask?", "thinking": "why with a <think> in it", "answer": "so"},
            READ | {"think": "why with a  in it"},
        ),
        ({"id": "r1", "prompt": "Ask?", "trace": "<think>why</think>", "answer": "so"}, READ),
        ({"id": "r1", "prompt": "Ask?", "cot": "why"}, READ | {"answer": ""}),
        ({"id": "r1", "messages": CHAT}, READ | {"prompt": "Be brief.\nAsk?"}),
        (
            {
                "id": "r1",
                "conversations": [
                    {"from": "human", "value": "Ask?"},
                    {"from": "gpt", "value": INLINE},
                ],
            },
            READ,
        ),
        (
            {
                "id": "r1",
                "messages": [
                    CHAT[1],
                    {"role": "assistant", "content": "so", "reasoning_content": "why"},
                ],
            },
            READ,
        ),
        (
            {
                "id": "r1",
                "messages": [
                    CHAT[1],
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "why"},
                            {"type": "text", "text": "so"},
                        ],
                    },
                ],
            },
            READ,
        ),
        ({"id": "r1", "prompt": [CHAT[1]], "completion": [CHAT[2]]}, READ),
        ({"id": "r1", "messages": CHAT[1:], "completion": INLINE}, READ),
        (
            {"id": "r1", "instruction": "Ask?", "input": "This.", "output": INLINE},
            READ | {"prompt": "Ask?\nThis."},
        ),
        (
            {
                "id": "r1",
                "prompt": "Ask?",
                "documents": [{"title": "T", "text": "A fee."}, {"text": "A term."}],
                "response": INLINE,
            },
            READ | {"prompt": "Ask?\nA fee.\nA term."},
        ),
        (
            {"id": "r1", "prompt": "Ask?", "context": ["A fee.", "A term."], "response": INLINE},
            READ | {"prompt": "Ask?\nA fee.\nA term."},
        ),
        ({"id": "r1", "prompt": "Ask?", "made_by_r1": INLINE}, READ),
        (
            {
                "id": "r1",
                "prompt": "Ask in <think> tags?",
                "solution": "gold",
                "generation": INLINE,
            },
            READ | {"prompt": "Ask in <think> tags?"},
        ),
        (
            {
                "id": "r1",
                "prompt": "Ask?",
                "text": f"User: Ask?\n{INLINE}",
                "reasoning": "why",
                "answer": "so",
            },
            READ,
        ),
        (
            {"id": "r1", "prompt": "Ask?", "response": "so"},
            READ | {"think": "", "fault": "missing_think"},
        ),
    ],
)
def test_columns_are_found_by_name_and_content(
    tmp_path: Path, row: dict[str, object], expected: dict[str, str]
) -> None:
    assert read_rows(tmp_path, row) == [expected]


def test_the_column_in_which_most_rows_hold_reasoning_is_taken(tmp_path: Path) -> None:
    lines = [
        {"output": INLINE if number == 0 else "gold", "raw": INLINE if number else "so"}
        for number in range(5)
    ]
    file = RowFile.open(write(tmp_path / "corpus.jsonl", lines))
    assert file.found == Columns(think="raw")


def test_what_was_found_is_said(tmp_path: Path) -> None:
    row = ROW | {"context": "A fee.", "made": {"by": "a program", "seed": {"a": 1, "b": [2]}}}
    file = RowFile.open(write(tmp_path / "corpus.jsonl", [row]), Columns(producer=("made",)))
    assert file.found == Columns(
        "completion", ("prompt", "context"), ("made.by", "made.seed.a", "made.seed.b")
    )
    assert file.producers == file.found.producer


def test_named_columns_are_used_as_named(tmp_path: Path) -> None:
    row = {
        "notes": "why",
        "answer": "so",
        "completion": "<think>other</think>one",
        "a": "A?",
        "b": {"c": "C?"},
        "id": 3,
    }
    assert read_rows(tmp_path, row, think="notes", prompt=("a", "b.c")) == [
        READ | {"id": "3", "prompt": "A?\nC?"}
    ]


@pytest.mark.parametrize(
    ("producer", "values"),
    [
        (("plan",), {"producer:plan": "swap"}),
        (("made.by",), {"producer:made.by": "bot"}),
        (
            ("made",),
            {
                "producer:made.by": "bot",
                "producer:made.seed": "7",
                "producer:made.tags": '["x",null]',
            },
        ),
        (
            ("made.by", "made"),
            {
                "producer:made.by": "bot",
                "producer:made.seed": "7",
                "producer:made.tags": '["x",null]',
            },
        ),
    ],
)
def test_producer_values_have_a_column_per_leaf(
    tmp_path: Path, producer: tuple[str, ...], values: dict[str, str]
) -> None:
    row = ROW | {"plan": "swap", "made": {"by": "bot", "seed": 7, "tags": ["x", None]}}
    assert read_rows(tmp_path, row, producer=producer) == [READ | values]


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("<think>why", {"answer": "", "fault": "unclosed_think"}),
        ("why</think>so", {"fault": "orphan_close"}),
        ("so", {"think": "", "fault": "missing_think"}),
        (None, {"think": "", "answer": "", "fault": "missing_think"}),
        (["so"], {"think": "", "answer": '["so"]', "fault": "missing_think"}),
        (7.5, {"think": "", "answer": "7.5", "fault": "missing_think"}),
        ("<think>why</think>", {"answer": "", "fault": "empty_answer"}),
        ("<|channel|>analysis<|message|>why", {"answer": "", "fault": "unclosed_think"}),
    ],
)
def test_a_fault_keeps_its_noun_and_the_reasoning(
    tmp_path: Path, text: object, change: dict[str, str]
) -> None:
    assert read_rows(tmp_path, ROW, ROW | {"completion": text})[1] == READ | change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"think": None}, {"think": "", "fault": "missing_think"}),
        ({"think": " "}, {"think": "", "fault": "missing_think"}),
        ({"answer": None}, {"answer": "", "fault": "empty_answer"}),
        ({"id": None, "prompt": None}, {"id": "", "prompt": ""}),
        ({"answer": INLINE}, {}),
    ],
)
def test_a_reasoning_column_of_its_own_may_have_gaps(
    tmp_path: Path, change: dict[str, object], expected: dict[str, str]
) -> None:
    row: dict[str, object] = {"id": "r1", "prompt": "Ask?", "think": "why", "answer": "so"}
    assert read_rows(tmp_path, row, row | change)[1] == READ | expected


@pytest.mark.parametrize(
    "messages", [None, [], [CHAT[1]], "no chat", [{"role": "assistant", "content": None}]]
)
def test_a_chat_without_an_answer_is_a_row_without_a_trace(
    tmp_path: Path, messages: object
) -> None:
    second = read_rows(tmp_path, {"messages": CHAT}, {"messages": messages})[1]
    assert (second["think"], second["fault"]) == ("", "missing_think")


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (Columns(think="thougths"), "no column 'thougths'; id, prompt, completion"),
        (Columns(prompt=("prompt", "ctx")), "no column 'ctx'; id, prompt, completion"),
        (Columns(producer=("made.by",)), "no column 'made.by'"),
    ],
)
def test_a_named_column_that_is_not_there_lists_those_that_are(
    tmp_path: Path, columns: Columns, words: str
) -> None:
    said = refusal(write(tmp_path / "a.jsonl", [ROW]), columns)
    assert all(word in said for word in words.split("; ")), said


def test_without_a_usable_column_the_option_is_named(tmp_path: Path) -> None:
    said = refusal(write(tmp_path / "a.jsonl", [{"prompt": "Ask?", "label": 1}]))
    assert "prompt, label" in said
    assert "--think-column" in said
