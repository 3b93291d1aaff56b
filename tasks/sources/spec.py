"""The settings of document and question sources."""

from pydantic import Field, model_validator

from tasks.spec import Spec


class Source(Spec):
    """A file, a folder, a hub data set or a built-in sample."""

    path: str
    """builtin:handbook, a file or folder (.txt .md .html .pdf .jsonl .csv .tsv .parquet), or
    hub:owner/name.
    """
    licence: str = ""
    """Licence of documents and rows that do not name one."""
    revision: str = ""
    """Hub revision."""
    config: str = ""
    """Hub configuration, if a data set has several (BigPatent: a to h, y)."""
    split: str = "train"
    """Hub split."""
    max_rows: int = Field(0, ge=0)
    """Largest number of rows to read from a data set; 0 reads all."""


class DocumentSource(Source):
    """A source of documents."""

    text: tuple[str, ...] = ("text",)
    """Columns of a data set that form the text, joined by a blank line (BigPatent: abstract,
    description; PatentMatch: text, text_b).
    """
    labels: tuple[str, ...] = ()
    """Words before each of these columns, so that a reader can distinguish them ("Claim:", "Prior
    art:"). If empty, no words are added.
    """
    title: str = "title"
    """Column of a data set that holds the title. It may be absent."""
    untitled: str = ""
    """Title of rows without one, followed by the row's number ("Pair" gives "Pair 12"). If empty,
    the title is the row's place in its file.
    """
    category: str = "general"
    """Category of these documents. Families of prompts select documents by it."""

    @model_validator(mode="after")
    def _labels_every_column(self) -> "DocumentSource":
        if self.labels and len(self.labels) != len(self.text):
            raise ValueError(
                f"{len(self.labels)} labels for {len(self.text)} columns; "
                "give one label per column, or none"
            )
        return self


class DocumentSpec(Spec):
    """The documents in which a corpus is grounded."""

    sources: tuple[DocumentSource, ...] = (DocumentSource(path="builtin:handbook"),)
    """Sources in the order in which they are read. A repeated text is rejected."""
    max_bytes: int = Field(200 * 2**20, ge=1)
    """Largest size of a file, in bytes. Larger files are rejected."""


class QuestionSource(Source):
    """A source of ready questions."""

    question: str = "question"
    """Column of the question."""
    answer: str = "answer"
    """Column of the known answer (a text or a list of right ones). It may be absent."""
    answer_type: str = Field("text", pattern="^(number|text)$")
    """number: compared by value (math-verify). text: compared as text."""
    category: str = "general"
    """Category of these questions. Families of prompts select questions by it."""
    held_out: bool = False
    """These questions measure a student: they are never asked, and rows that hold them are removed
    from the corpus.
    """


class QuestionSpec(Spec):
    """Questions with or without known answers."""

    sources: tuple[QuestionSource, ...] = ()
    """Files and data sets of questions."""
    problems: dict[str, int] = Field(default_factory=dict)
    """Procedural problems to draw: family → number."""
    held_out_share: float = Field(0.1, ge=0, lt=1)
    """Share of the procedural problems that only measure a student: they are never asked, and rows
    that hold them are removed from the corpus.
    """
    saturation: float = Field(0.6, gt=0, le=1)
    """Largest share of a family's different problems that may be drawn."""
    seed: int = Field(0, ge=0)
    """Seed of the problems."""
    max_bytes: int = Field(200 * 2**20, ge=1)
    """Largest size of a file, in bytes. Larger files are rejected."""
