"""Write a first recipe for a user's documents, with a plan that fits them.

The recipe is a commented YAML file; `tracemill plan` finds no fault in it.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flows.plan.capacity import thin_control
from flows.plan.fault import RecipeFaults, refuse
from flows.plan.plan import Outlook, outlook
from flows.plan.supply import Supply, read
from flows.recipes.corpus import Recipe
from tasks.errors import BadRecipe
from tasks.ngrams import plain_text
from tasks.sources.datasets import HUB, Record, read_rows
from tasks.sources.readers import ROWS, files_under

Teacher = Literal["endpoint", "builtin:pocket", "scripted"]
MOST_ROWS = 600
"""Prompts of a first recipe, at most."""
UNREAD_ROWS = 200
"""Prompts of a recipe whose sources are not all read before the build."""
GENERAL = 0.12
"""Share of general reasoning among the prompts."""
SATURATION = 0.6
"""Share of the possible prompts that a plan may use."""
FEW_DOCUMENTS = 20
"""With fewer documents than this, a split may have no document for one of the families."""
CONTROL = (0.08, 0.12, 0.2, 0.3, 0.4, 0.5)
"""Shares of control prompts, tried in this order."""
FORMS = (
    "What do the passages say about {topic}?",
    "Which rule or fact about {topic} matters most to a reader, and why?",
    "Explain {topic} to somebody who is new to it, and name the section.",
    "What follows from what is said about {topic}?",
    "Which details about {topic} are easy to overlook?",
)
"""Forms of questions about a passage; {topic} is its heading."""
SAMPLE_ROWS = 20
"""Rows per data file that are read to find the column with the text."""


class Cut(NamedTuple):
    """How much text a prompt shows: words per passage, and the number of neighbouring passages."""

    max_words: int
    context: int


CUTS = (Cut(150, 2), Cut(150, 1), Cut(100, 0), Cut(50, 0), Cut(20, 0))
"""Tried in this order until the prompts fit the context window of the teacher."""


class Place(NamedTuple):
    """A source of the recipe. text: columns of a data set with the text; () for the default."""

    path: str
    text: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """The names and numbers of a recipe to be written."""

    name: str
    places: tuple[Place, ...]
    teacher: Teacher
    cut: Cut = CUTS[0]
    rows: int = UNREAD_ROWS
    control: float = CONTROL[0]
    few_documents: bool = False
    supply: Supply | None = None

    @property
    def documents(self) -> str:
        """The counts of the documents, as one line of a comment."""
        return found(self.supply)

    @property
    def unread(self) -> list[str]:
        """The sources that only the build reads, each with the reason."""
        return [f"{one.path}: {one.reason}" for one in self.supply.unread] if self.supply else []

    @property
    def capacity(self) -> int:
        """Number of different prompts that the passages give."""
        return len(self.supply.passages) * len(FORMS) if self.supply else 0

    @property
    def problems(self) -> int:
        """Number of problems of each kind: enough for general prompts and their control prompts."""
        general = math.ceil(self.rows * GENERAL)
        return max(12, math.ceil(general * (1 + self.control) / SATURATION))

    @property
    def min_rows(self) -> int:
        """Rows that the corpus must have, at least: two for every five prompts."""
        return max(1, int(0.4 * self.rows))


class Written(NamedTuple):
    """A first recipe. text: the YAML file. recipe: its settings. seen: its plan."""

    text: str
    recipe: Recipe
    seen: Outlook


def first_recipe(sources: Sequence[str], name: str, teacher: Teacher, root: Path) -> Written:
    """Return a recipe for these sources in which `tracemill plan` finds no fault.

    sources: files, folders, hub:owner/name or built-in samples. name: of the corpus, "" for the
    name of the first source. root: folder of the store; documents that it has are not read again.
    Raises BadRecipe if the sources cannot make a corpus.
    """
    draft = Draft(name or name_of(sources[0]), tuple(map(_place, sources)), teacher)
    for cut in CUTS:
        fitted = _fitted(replace(draft, cut=cut), root)
        written = _written(fitted, root)
        if not written.seen.refused:
            return written
    refuse(written.recipe.name, written.seen.faults)
    return written


def name_of(source: str) -> str:
    """Return a recipe's name, made from the last part of a path.

    >>> name_of("~/My Manual (2024)/")
    'my-manual-2024'
    """
    path = Path(source.rpartition(":")[2]).expanduser().absolute()
    last = path.stem if path.is_file() else path.name
    return re.sub(r"[^a-z0-9_]+", "-", last.lower())[:64].strip("-_") or "corpus"


def found(supply: Supply | None) -> str:
    """Return the counts of documents, sections and passages."""
    if supply is None:
        return "nothing was read"
    sections = {(one.document_id, one.section) for one in supply.passages}
    return (
        f"{supply.documents:,} documents, {len(sections):,} sections, "
        f"{len(supply.passages):,} passages"
    )


def _fitted(draft: Draft, root: Path) -> Draft:
    """Return the draft with the number of prompts and control prompts that suit the documents."""
    read_now = read(_parsed(_text(draft)), root)
    if read_now.faults:
        raise RecipeFaults("no recipe was written", [one.says for one in read_now.faults])
    supply = read_now.supply
    if not supply.passages and not supply.unread:
        raise BadRecipe(
            f"{found(supply)}: the documents have no passage to ask about; "
            "a passage has at least 6 words of running text"
        )
    few = not supply.unread and supply.documents < FEW_DOCUMENTS
    known = replace(draft, supply=supply, few_documents=few)
    return _with_control(replace(known, rows=_rows(known)), supply)


def _rows(draft: Draft) -> int:
    """Return the number of prompts: the passages' capacity times SATURATION, at most MOST_ROWS."""
    if draft.unread:
        return UNREAD_ROWS
    about_passages = int(draft.capacity * SATURATION)
    return max(1, min(MOST_ROWS, int(about_passages / (1 - GENERAL))))


def _with_control(draft: Draft, supply: Supply) -> Draft:
    """Return the draft with the smallest share of control prompts without a warning of the plan."""
    for control in CONTROL:
        tried = replace(draft, control=control)
        if not list(thin_control(_parsed(_text(tried)), supply)):
            return tried
    return draft


def _written(draft: Draft, root: Path) -> Written:
    text = _text(draft)
    recipe = _parsed(text)
    return Written(text, recipe, outlook(recipe, root))


def _text(draft: Draft) -> str:
    """Return the text of the recipe. Strings are written as JSON, which is always valid YAML."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["quoted"] = partial(json.dumps, ensure_ascii=False)
    templates.filters["comment"] = lambda text: " ".join(plain_text(text).split())
    general = round(100 * GENERAL)
    return templates.get_template("first_recipe.yaml.jinja").render(
        draft=draft, forms=FORMS, general=general, saturation=SATURATION
    )


def _parsed(text: str) -> Recipe:
    return Recipe.model_validate(yaml.safe_load(text))


def _place(source: str) -> Place:
    """Return a source; for a local data set, with the columns that have the text."""
    path = Path(source).expanduser()
    if source.startswith((HUB, "builtin:")) or not path.exists():
        return Place(source)
    records = [one for file in files_under(path) for one in _first_rows(file)]
    return Place(source, _text_columns(records))


def _first_rows(file: Path) -> Iterator[Record]:
    if file.suffix.lower() not in ROWS:
        return
    several = read_rows(file, source=file.name, max_bytes=64 * 2**20)
    for _, one in zip(range(SAMPLE_ROWS), several, strict=False):
        if isinstance(one, Record):
            yield one


def _text_columns(records: Sequence[Record]) -> tuple[str, ...]:
    """Return the column with the longest texts, unless the rows have a column named text."""
    if not records or any("text" in one.values for one in records):
        return ()
    lengths: dict[str, int] = {}
    for one in records:
        for column, value in one.values.items():
            size = len(value) if isinstance(value, str) else 0
            lengths[column] = lengths.get(column, 0) + size
    longest = max(lengths, key=lambda column: lengths[column], default="")
    return (longest,) if longest and lengths[longest] else ()
