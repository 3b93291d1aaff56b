"""The settings of the prompts: the families, their shares, and what a row shows."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from tasks.spec import Spec

TOPIC = "{topic}"
"""The slot of a question form."""
SECTION = "{section}"
"""A second slot of a question form: the section of the passage. Closed-book rows can name it."""
CHAIN = "chain:"
"""Prefix of the source of a question that a chain wrote."""
BARE = "bare"
"""Template of the control arm: only the passages, if any, and the question."""


class Family(Spec):
    """A kind of prompt and its share of the corpus."""

    name: str = Field(pattern=r"^[\w .,:+/()-]{1,80}$")
    """Name of the family. No prompt contains it. Letters, digits and a few signs without a meaning
    in pages and tables.
    """
    share: float = Field(gt=0)
    """Weight of the family. The weights need not add up to one."""
    ground: Literal["passages", "questions", "chain"] = "passages"
    """passages: a question form is applied to a passage. questions: ready questions of some
    categories are asked. chain: the questions of a chain are asked.
    """
    chain: str = ""
    """Name of the chain whose questions are asked, for ground: chain."""
    teacher_sees: Literal["passages", "nothing"] = "passages"
    """Whether the teacher sees the passages of a question when it answers."""
    shown: Literal["passages", "nothing"] = "passages"
    """What a row of the corpus shows with the question. nothing, while the teacher sees passages,
    makes closed-book rows: the student learns what the documents say, and a gate rejects traces
    that speak of a passage.
    """
    template: str = "closed_qa"
    """Name of a built-in template, or path of a .jinja file."""
    forms: tuple[str, ...] = ("What do the passages say about {topic}?",)
    """Forms of the question. {topic} is replaced by the heading of the passage, {section} by its
    section.
    """
    context: int = Field(2, ge=0, le=16)
    """Number of neighbouring passages that are shown with the passage in question, in random
    order.
    """
    context_from: Literal["document", "corpus"] = "document"
    """document: neighbours of the same document only, so that training and validation share no
    document. corpus: neighbours of any document.
    """
    categories: tuple[str, ...] = ()
    """Categories to draw from: of questions, or of the documents with the passages. Empty: passages
    of all documents.
    """
    general: bool = False
    """Count this family as general reasoning. A corpus needs some of it, or the student loses its
    general reasoning.
    """

    @property
    def closed_book(self) -> bool:
        """Whether rows hide passages that the teacher saw."""
        return self.shown == "nothing" and self.teacher_sees == "passages"

    @model_validator(mode="after")
    def _names_a_chain(self) -> "Family":
        if (self.ground == "chain") != bool(self.chain):
            raise ValueError("ground: chain and the name of a chain belong together; give both")
        return self

    @field_validator("forms")
    @classmethod
    def _asks_about_a_topic(cls, forms: tuple[str, ...]) -> tuple[str, ...]:
        if lacking := [form for form in forms if TOPIC not in form]:
            raise ValueError(f"a form needs the slot {TOPIC}: {lacking}")
        return forms


class PromptSpec(Spec):
    """The plan of a corpus."""

    rows: int = Field(200, ge=1)
    """Number of prompts to write, without the control arm."""
    families: tuple[Family, ...] = (Family(name="closed_qa", share=1),)
    """The kinds of prompts."""
    control: float = Field(0.08, ge=0, le=0.5)
    """Number of control prompts as a share of the rows. They are written in addition, without
    instruction and system prompt. The audit compares the corpus with their answers, to find leaks.
    0.05 to 0.1 is enough; 0 leaves the control arm out.
    """
    saturation: float = Field(0.6, gt=0, le=1)
    """Largest share of a family's possible prompts that may be drawn. A plan above it is refused.
    The control arm does not count.
    """
    seed: int = Field(0, ge=0)
    """Seed of the plan."""
