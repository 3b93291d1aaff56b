"""Valid objects to start from: a test builds one and changes one thing."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks import rows
from tasks.prompts.plan import Passage
from tasks.verdicts.case import Case
from tasks.verdicts.case import Passage as Shown

if TYPE_CHECKING:
    from flows.recipes.corpus import Recipe

TOPICS = (
    "Late fees", "Reissue", "Appeals", "Interviews", "Petitions", "Foreign filing", "Oaths", "Drawings", "Abstracts", "Public use",
    "Deposits", "Revival", "Protests", "Restriction", "Priority claims", "Design claims", "Plant claims", "Search reports", "Fee notices",
    "Extensions",
)  # fmt: skip


def section(number: int, topic: str) -> str:
    return (
        f"## Section {number}. {topic}\n\nThe fee is {number * 3 % 900 + 20} credits. A reply is due in {number % 50 + 2} days. "
        f"Examiner {('Vale', 'Marsh', 'Okoro', 'Lind')[number % 4]} decides.\n"
    )


def write_rulebook(folder: Path, *, documents: int = 4) -> Path:
    """Write a small rulebook, five sections a document, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in range(documents):
        own = TOPICS[part * 5 : part * 5 + 5]
        body = "\n".join(
            section(101 + 7 * (part * 5 + place), topic) for place, topic in enumerate(own)
        )
        (folder / f"part_{part}.md").write_text(
            f"---\ntitle: Part {part}\nlicence: Apache-2.0\n---\n# Part {part}\n\n{body}"
        )
    return folder


def recipe(folder: Path, **changes: object) -> "Recipe":
    """Return a recipe of 24 prompts over a small rulebook, answered by the scripted engine."""
    from flows.recipes.corpus import Recipe

    forms = [
        "What is the fee for {topic}?",
        "How long is the reply period for {topic}?",
        "Which examiner decides on {topic}?",
    ]
    tree: dict[str, object] = {
        "name": "small",
        "documents": {"sources": [{"path": str(folder), "licence": "Apache-2.0"}]},
        "questions": {"problems": {"addition": 10}},
        "prompts": {"rows": 24, "families": [{"name": "handbook_qa", "share": 1, "forms": forms}]},
        "models": {"teacher": {"engine": "scripted"}},
        "traces": {"samples": 3},
        "corpus": {"validation": 0.2, "suite": {"min_rows": 3}},
    }
    return Recipe.model_validate(tree | changes)


def passage(number: int, **changes: object) -> Passage:
    values: dict[str, object] = {
        "passage_id": f"p{number}",
        "document_id": f"d{number % 3}",
        "section": f"Section {100 + number}",
        "heading": f"Topic {number}",
        "text": f"The fee is {number} credits.",
        "neighbours": (),
    }
    return Passage(**values | changes)  # type: ignore[arg-type]


def case(**changes: object) -> Case:
    """Return a grounded, well-formed case that every gate passes."""
    values: dict[str, object] = {
        "trace_id": "t1",
        "question": "What is the fee for late fees?",
        "prompt": "[Section 214] Late fees. The fee is 40 credits. A reply is due in 3 weeks.\n\n"
        "Question: What is the fee for late fees?",
        "think": "The question asks for the fee for late fees. Section 214 says that the fee is 40 credits.",
        "answer": "The fee for late fees is 40 credits. [Section 214]",
        "raw": "",
        "fault": "",
        "family": "handbook_qa",
        "cell": "handbook_qa/p1/0",
        "canary": "canary-00112233445566aa",
        "passages": (
            Shown("Section 214", "The fee is 40 credits. A reply is due in 3 weeks.", "Late fees"),
        ),
    }
    built = Case(**values | changes)  # type: ignore[arg-type]
    return (
        built
        if built.raw
        else Case(**vars(built) | {"raw": f"<think>\n{built.think}\n</think>\n\n{built.answer}"})
    )


def prompts_table(count: int, *, control: int = 0) -> pa.Table:
    """Return prompts that ask nothing but carry their row's number; the last `control` ones are of
    the control arm.
    """
    made = [
        {
            "prompt_id": f"q{number:06d}",
            "messages": [{"role": "user", "content": f"row-{number:06d}: explain."}],
            "question": f"row-{number:06d}: explain.",
            "passage_ids": [],
            "question_id": "",
            "general": False,
            "control": number >= count - control,
            "family": "plain",
            "cell": f"plain/{number}",
            "canary": f"canary-{number:016x}",
            "notes": [],
            "row_messages": [],
        }
        for number in range(count)
    ]
    return rows.table_of(made, rows.PROMPTS)


def silent(*, done: int, total: int, tokens: int = 0, unit: str = "row") -> None:
    """Report progress to nobody."""
