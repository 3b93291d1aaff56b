"""The settings of a chain: where it begins, its steps, and what it gives."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import AliasChoices, Discriminator, Field, Tag, model_validator

from tasks.chains.keep import Test
from tasks.chains.returns import Returns
from tasks.inference.engine import ModelName
from tasks.spec import Spec

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
"""Name of a chain or a step: lower-case letters, digits and _."""
Path = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}\.[a-z0-9][a-z0-9_]{0,31}$")]
"""A value: the step that writes it, and its field. `passage.text` is the text of the root."""


class FromPaths(Spec):
    """Pairs of passages with a name in common, found by code: the question needs both."""

    kind: Literal["paths"]
    """Draw paths over the names that passages share."""
    most: int = Field(2, ge=1, le=64)
    """Largest number of paths from a passage."""


class FromNeighbours(Spec):
    """Another passage that is near to the root."""

    kind: Literal["neighbours"]
    """Draw from the nearest passages."""
    most: int = Field(1, ge=1, le=16)
    """Largest number of neighbours of a passage; each makes an item."""


class FromNearNames(Spec):
    """Names that look like names of the documents and occur in none of them."""

    kind: Literal["near_names"]
    """Draw names that are made from two names of the documents."""
    most: int = Field(1, ge=1, le=16)
    """Largest number of names for a passage; each makes an item."""


class FromChangedFacts(Spec):
    """Facts of the passage with one value changed to a value that no document has."""

    kind: Literal["changed_facts"]
    """Draw facts in which a number with its unit, or a name, is changed."""
    most: int = Field(1, ge=1, le=16)
    """Largest number of changed facts of a passage; each makes an item."""


class FromRoot(Spec):
    """The text of the root passage."""

    kind: Literal["root"]
    """Take the text of the first root passage, for example as a right answer."""


class FromItems(Spec):
    """Values of other items of the same table, as examples."""

    kind: Literal["items"]
    """Draw from the items of the step before."""
    of: Path
    """The value to draw."""
    count: int = Field(4, ge=1, le=32)
    """Number of examples; the item's own value is never among them."""


class FromValue(Spec):
    """A copy of a value that the item has, so that a later value can be compared with it."""

    kind: Literal["value"]
    """Copy a value."""
    of: Path
    """The value to copy. A known right answer cannot be copied."""


Drawing = (
    Annotated[
        FromPaths
        | FromNeighbours
        | FromNearNames
        | FromChangedFacts
        | FromRoot
        | FromItems
        | FromValue,
        Field(discriminator="kind"),
    ]
    | dict[str, float]
    | tuple[str, ...]
)
"""What is drawn from: a list of texts, texts with weights, or something that code finds."""


class Draw(Spec):
    """A step that draws values by code, seeded by the item."""

    name: Name
    """Name of the step."""
    draw: dict[Name, Drawing] = Field(min_length=1)
    """Field → what its value is drawn from: a list, `{text: weight}`, or `{kind: paths}`."""
    times: int = Field(1, ge=1, le=1000)
    """Number of items from each item, each with its own values."""
    exact: bool = False
    """Shares of lists and weights hold exactly over all items, instead of on average. A new
    document then changes the values of other items.
    """
    role: Literal["note", "gold"] = "note"
    """gold: the drawn values are known right answers, which no call that writes a trace may see."""


class Ask(Spec):
    """A step that asks a model once for each item."""

    name: Name
    """Name of the step."""
    ask: str
    """Name of a built-in prompt, or path of a .jinja file."""
    sees: tuple[Path, ...]
    """The values that the prompt may use, and no others."""
    returns: Returns = Field("text", validate_default=True)
    """How the answer is read. An answer that cannot be read is asked again."""
    model: ModelName | None = None
    """Name of the model that answers. Without a name the first model of the traces answers."""
    samples: int = Field(1, ge=1, le=64)
    """Answers for each item. With several, each answer is an item of its own, also if two have the
    same words: they are votes.
    """
    attempts: int = Field(2, ge=1, le=10)
    """Attempts to get an answer that can be read; after them the item is rejected."""
    max_tokens: int = Field(0, ge=0)
    """Tokens of an answer at most; 0 takes the model's own limit."""
    raw: bool = False
    """The model continues the prompt as it is, without a chat template (Magpie)."""
    role: Literal["note", "gold"] | dict[Name, Literal["note", "gold"]] = "note"
    """gold: the answer is a known right answer, which no call that writes a trace may see. With
    `{answer: gold}` only this field is, and the others are notes.
    """

    def role_of(self, field: str) -> Literal["note", "gold"]:
        """Return the role of a field of the answer."""
        return self.role.get(field, "note") if isinstance(self.role, dict) else self.role


class Keep(Spec):
    """A step that keeps the items which pass all its tests. It asks nothing."""

    name: Name
    """Name of the step."""
    keep: tuple[Test, ...] = Field(min_length=1)
    """The tests. The first one that an item fails is the reason of its rejection."""


class Gather(Spec):
    """A step that compares the items of a group and keeps some of them. It asks nothing."""

    name: Name
    """Name of the step."""
    gather: Literal["cap", "distinct", "best", "majority"]
    """cap: the first items by seed. distinct: no two that are alike. best: the highest score.
    majority: one item with the most frequent value.
    """
    by: Literal["passage", "parent", "document", "all"] = "passage"
    """The group: items of the same root passage, of the same parent, of the same document, all."""
    of: Path | Name | None = None
    """The value that is compared: a text, or the score of `best`. The name of a step stands for
    all its values together.
    """
    most: int = Field(1, ge=1)
    """Items to keep of each group, for cap and best."""
    alike: float = Field(0.7, gt=0, le=1)
    """Two texts with this ROUGE-L or more are alike, for distinct."""
    share: float = Field(0.5, gt=0, le=1)
    """Smallest share of the votes that a majority needs."""
    margin: int = Field(1, ge=0)
    """Smallest number of votes by which a majority leads."""

    @model_validator(mode="after")
    def _names_a_value(self) -> "Gather":
        if self.gather != "cap" and self.of is None:
            raise ValueError(f"gather {self.gather} needs `of`: the value that it compares")
        return self


VERBS = ("draw", "ask", "keep", "gather")


def _verb(value: object) -> str | None:
    """Return the verb of a step: the first one that its settings name."""
    if isinstance(value, Mapping):
        return next((verb for verb in (*VERBS, "repeat") if verb in value), None)
    return type(value).__name__.lower()


def _step(*, repeated: bool) -> Discriminator:
    known = ", ".join((*VERBS, "repeat") if repeated else VERBS)
    return Discriminator(
        _verb,
        custom_error_type="unknown_step",
        custom_error_message=f"a step has a name and one of: {known}",
    )


Step = Annotated[
    Annotated[Draw, Tag("draw")]
    | Annotated[Ask, Tag("ask")]
    | Annotated[Keep, Tag("keep")]
    | Annotated[Gather, Tag("gather")],
    _step(repeated=False),
]


class Repeat(Spec):
    """Steps that run several times, each time on what the time before left."""

    repeat: int = Field(ge=1, le=10)
    """Number of times."""
    steps: tuple[Step, ...] = Field(min_length=1)
    """The steps."""


StepOrRepeat = Annotated[
    Annotated[Draw, Tag("draw")]
    | Annotated[Ask, Tag("ask")]
    | Annotated[Keep, Tag("keep")]
    | Annotated[Gather, Tag("gather")]
    | Annotated[Repeat, Tag("repeat")],
    _step(repeated=True),
]


class Where(Spec):
    """Which roots a chain begins with."""

    categories: tuple[str, ...] = ()
    """Categories of documents or questions. Empty: all."""
    most: int = Field(0, ge=0)
    """Largest number of roots, drawn by seed; 0 takes all. Of a chain that begins with nothing, the
    number of roots; 0 makes 20.
    """


class Gives(Spec):
    """What a chain gives: the only values that can reach a prompt for a trace."""

    question: Path
    """The value that becomes the question."""
    shown: Literal["passages", "nothing"] = "passages"
    """passages: families may show the root passages. nothing: the question stands alone."""
    gold: Path | None = None
    """The value that is the right answer."""
    answer_type: Literal["text", "number", "phrase", "untold", "reference"] = "text"
    """text: an answer is right if it is the same text. number: if it has the same value. phrase: if
    it holds the right answer's words in a row and does not deny them. untold: if it says that the
    passages do not tell. reference: answers are not compared with it; it only shows leaks.
    """
    levels: Literal["last", "all"] = "last"
    """last: the newest level of a repeated block. all: every level is a question."""
    question_from_gold: bool = False
    """The question may be written by a call that saw the answer (backtranslation). Questions that
    repeat a part of the answer are then rejected.
    """


class Chain(Spec):
    """A chain of model calls that writes questions."""

    name: Name
    """Name of the chain. Families of prompts draw from it by this name."""
    method: str = ""
    """Where the method comes from, in one line."""
    begins: str = Field("passages", validation_alias=AliasChoices("from", "begins"))
    """passages, questions, nothing, or the name of another chain, whose items it continues."""
    where: Where = Where()
    """Which roots it begins with."""
    model: ModelName | None = None
    """Name of the model of steps that name none. Empty: the first model of the traces."""
    steps: tuple[StepOrRepeat, ...] = Field(min_length=1)
    """The steps, in order."""
    gives: Gives
    """What becomes the question, what is shown with it, and the right answer."""
    seed: int = Field(0, ge=0)
    """Seed of all draws and answers."""


class Placed(NamedTuple):
    """A step at its place in the chain, with repeated blocks written out.

    place: its name in the chain, such as "question" or "question.2". block: number of the repeated
    block that it is in, 0 outside. level: number of the repetition, 0 outside. ends: it is the last
    step of a repetition.
    """

    place: str
    step: Step
    block: int = 0
    level: int = 0
    ends: bool = False


def placed(chain: Chain) -> Iterator[Placed]:
    """Yield the steps of a chain in the order in which they run."""
    for block, one in enumerate(chain.steps, 1):
        if not isinstance(one, Repeat):
            yield Placed(one.name, one)
            continue
        for level in range(1, one.repeat + 1):
            for number, step in enumerate(one.steps, 1):
                ends = number == len(one.steps)
                yield Placed(f"{step.name}.{level}", step, block, level, ends)
