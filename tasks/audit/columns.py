"""Which column of a foreign corpus holds what: decided once from its first rows, then applied to
the whole file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from tasks.audit.values import (
    MAX_DEPTH,
    Place,
    Row,
    chat_of,
    completion_in,
    holds_reasoning,
    prompt_of_chat,
    readable_text,
    text_of,
    value_at,
)
from tasks.errors import UnreadableFile
from tasks.think import Parsed, salvage, split, split_harmony, untagged

IDS = ("row_id", "trace_id", "id", "uid", "uuid", "qid", "example_id", "key", "index")
RESPONSES = (
    "response",
    "completion",
    "prediction",
    "output",
    "generation",
    "answer",
    "raw",
    "trace",
    "solution",
)
REASONING = (
    "think",
    "thinking",
    "reasoning",
    "reasoning_content",
    "thoughts",
    "analysis",
    "chain_of_thought",
    "cot",
    "rationale",
    "reasoning_text",
    "reasoning_trace",
    "thinking_trajectory",
    "complex_cot",
)
CHATS = ("messages", "conversations", "conversation")
WHOLE = ("text", "content")
"""Columns that often hold the whole chat as one string. They are read only if no other column holds
the completion.
"""

ANSWERS = (
    "answer",
    "response",
    "completion",
    "output",
    "final",
    "solution",
    "final_answer",
    "content",
)
PROMPTS = ("prompt", "question", "instruction", "input", "query", "problem", "user")
CONTEXTS = ("context", "passage", "passages", "documents", "evidence")


@dataclass(frozen=True)
class Columns:
    """The columns of a file by their role. Empty roles are decided from the rows."""

    think: str = ""
    """The column with the reasoning, alone or followed by the answer; or with a list of messages.
    """
    prompt: tuple[str, ...] = ()
    """The columns with the texts that the teacher saw. They are joined by newlines."""
    producer: tuple[str, ...] = ()
    """The columns that only the producer knew: a column, a dotted path into one, or a whole struct
    (one value per leaf).
    """


@dataclass(frozen=True)
class Layout:
    """The decided columns, as places in a row. alone: a think text without tags is reasoning, not
    an answer.
    """

    found: Columns
    think: Place
    alone: bool
    prompt: tuple[Place, ...]
    producers: tuple[Place, ...]
    identity: Place
    answer: Place
    columns: tuple[str, ...] = field(init=False)
    """The columns that must be read from the file."""

    def __post_init__(self) -> None:
        places = (self.think, *self.prompt, *self.producers, self.identity, self.answer)
        columns = dict.fromkeys(place[0] for place in places if place)
        object.__setattr__(self, "columns", tuple(columns))

    def texts(self, row: Row) -> list[str]:
        """Return [id, prompt, think, answer, fault, *producer values] of a row."""
        parsed = self._parsed(row)
        identity = text_of(value_at(row, self.identity)) if self.identity else ""
        prompt = "\n".join(filter(None, (self._prompt(row, place) for place in self.prompt)))
        return [
            identity,
            prompt,
            parsed.think,
            parsed.answer,
            parsed.fault or "",
            *(text_of(value_at(row, place)) for place in self.producers),
        ]

    def _prompt(self, row: Row, place: Place) -> str:
        value = value_at(row, place)
        if isinstance(value, str):
            return value
        may_be_chat = place == self.think or place[-1].lower() in CHATS
        return prompt_of_chat(value) if may_be_chat and chat_of(value) else readable_text(value)

    def _parsed(self, row: Row) -> Parsed:
        turn = completion_in(value_at(row, self.think))
        if turn.thought.strip():
            return _from_fields(turn.thought, turn.content, answer_due=True)
        if self.alone:
            answer = readable_text(value_at(row, self.answer)) if self.answer else ""
            return _from_fields(turn.content, answer, answer_due=bool(self.answer))
        return _inline(turn.content)


def decide(sample: Sequence[Row], named: Columns, *, name: str) -> Layout:
    """Return the layout of a file, decided from its first rows.

    sample: the first rows. named: the columns that the caller named. name: the file, for messages.
    Raises UnreadableFile if a named column is absent or no column can hold a trace.
    """
    seen = list(dict.fromkeys(column for row in sample for column in row))
    for column in (named.think, *named.prompt, *named.producer):
        if column and not _reached(sample, _place(column, seen)):
            raise UnreadableFile(
                f"{name} has no column {column!r} in its first {len(sample)} rows; "
                f"choose one of these columns: {_list(seen)}"
            )
    trace = named.think or _trace_column(sample, seen)
    if not trace:
        raise UnreadableFile(
            f"{name} has no column that looks like a reasoning trace; its columns are: "
            f"{_list(seen)}; name the column with the reasoning with --think-column"
        )
    place = _place(trace, seen)
    prompt = named.prompt or tuple(_prompt_columns(sample, seen, trace, place))
    leaves = [_leaves(sample, _place(column, seen)) for column in named.producer]
    producers = tuple(dict.fromkeys(chain.from_iterable(leaves)))
    answer = _first(ANSWERS, [column for column in seen if (column,) != place])
    values = [value_at(row, place) for row in sample]
    texts = [value for value in values if isinstance(value, str)]
    alone = bool(texts) and _is_alone(
        texts, place[-1].lower(), named=bool(named.think), answered=bool(answer)
    )
    return Layout(
        found=Columns(trace, prompt, tuple(map(".".join, producers))),
        think=place,
        alone=alone,
        prompt=tuple(_place(column, seen) for column in prompt),
        producers=producers,
        identity=_optional(_first(IDS, seen)),
        answer=_optional(answer),
    )


def _inline(text: str) -> Parsed:
    return split_harmony(text) or salvage(text)


def _from_fields(thought: str, answer: str, *, answer_due: bool) -> Parsed:
    """Return reasoning and answer from two separate fields. Tags inside them are removed."""
    within = _within(thought)
    own_answer = _inline(answer).answer if holds_reasoning(answer) else answer.strip()
    final_answer = own_answer or within.answer
    if not within.think:
        return Parsed("", final_answer, "missing_think")
    fault = "empty_answer" if answer_due and not final_answer else None
    return Parsed(within.think, final_answer, fault)


def _within(thought: str) -> Parsed:
    """Return the reasoning of a field that holds only reasoning, or reasoning and answer if the
    field holds a whole completion.
    """
    if (parsed := split_harmony(thought)) is not None:
        return parsed
    parsed = split(thought)
    return parsed if parsed.fault in {None, "empty_answer"} else Parsed(untagged(thought), "", None)


def _trace_column(sample: Sequence[Row], seen: list[str]) -> str:
    """Return the name of the column with the traces, "" if there is none.

    The choice is the first known column in which most rows hold reasoning, else the column in which
    the largest number does, else a column whose name fits.
    """
    known = [
        column for names in (RESPONSES, REASONING, CHATS, WHOLE) for column in _all(names, seen)
    ]
    aside = {*known, *_all((*IDS, *PROMPTS, *CONTEXTS), seen)}
    for candidates in (known, [column for column in seen if column not in aside]):
        counts = {column: _count(sample, column) for column in candidates}
        most = next((column for column, count in counts.items() if 2 * count > len(sample)), None)
        if most or any(counts.values()):
            return most or max(counts, key=lambda column: counts[column])
    return _first((*REASONING, *CHATS, *RESPONSES, *WHOLE), seen)


def _count(sample: Sequence[Row], column: str) -> int:
    """Return the number of rows that show reasoning in a column. In a column with a name such as
    "think", every text counts as reasoning.
    """
    turns = (completion_in(row.get(column)) for row in sample)
    if column.lower() in REASONING:
        return sum(bool(turn.thought.strip() or turn.content.strip()) for turn in turns)
    return sum(bool(turn.thought.strip()) or holds_reasoning(turn.content) for turn in turns)


def _is_alone(texts: Sequence[str], column: str, *, named: bool, answered: bool) -> bool:
    """Return whether a column of texts holds only reasoning.

    It does if its name says so, or if no text continues with an answer and another column holds
    one.
    """
    if column in REASONING:
        return True
    faults = [_inline(text).fault for text in texts if holds_reasoning(text)]
    return answered and all(fault == "empty_answer" for fault in faults) if faults else named


def _prompt_columns(
    sample: Sequence[Row], seen: list[str], trace: str, place: Place
) -> Iterator[str]:
    others = [column for column in seen if (column,) != place]
    if any(prompt_of_chat(value_at(row, place)) for row in sample):
        yield trace
    elif prompt := _first((*PROMPTS, *CHATS), others):
        yield prompt
        if prompt.lower() == "instruction" and (given := _first(("input",), others)):
            yield given
    yield from _all(CONTEXTS, others)


def _leaves(sample: Sequence[Row], place: Place) -> list[Place]:
    """Return the places of all leaves below a value, in the order in which the rows show them."""
    below = sample if len(place) < MAX_DEPTH else ()
    keys = dict.fromkeys(
        key for row in below if isinstance(value := value_at(row, place), dict) for key in value
    )
    return [leaf for key in keys for leaf in _leaves(sample, (*place, key))] or [place]


def _place(column: str, seen: list[str]) -> Place:
    return (column,) if column in seen else tuple(column.split("."))


def _optional(column: str) -> Place:
    return (column,) if column else ()


def _reached(sample: Sequence[Row], place: Place) -> bool:
    return any(
        isinstance(above := value_at(row, place[:-1]), dict) and place[-1] in above
        for row in sample
    )


def _all(names: Iterable[str], seen: list[str]) -> list[str]:
    """Return the columns with these names in any case, in the order of the names."""
    lower = {column.lower(): column for column in reversed(seen)}
    return [lower[name] for name in names if name in lower]


def _first(names: Iterable[str], seen: list[str]) -> str:
    return next(iter(_all(names, seen)), "")


def _list(columns: list[str]) -> str:
    if len(columns) <= 30:
        return ", ".join(columns)
    return f"{', '.join(columns[:30])} and {len(columns) - 30} more"
