"""The tasks of the sources stage: documents and questions."""

from pathlib import Path

from prefect import task

from tasks.sources.collect import content_digest, documents, questions
from tasks.sources.spec import DocumentSpec, QuestionSpec
from tasks.stage import STAGE, settle
from tasks.store import Key, Table

CODE_VERSION = 5


@task(**STAGE)
def collect_documents(spec: DocumentSpec, root: Path) -> Table:
    """Return DOCUMENTS: the documents of all sources."""
    key = Key("documents", CODE_VERSION, spec, {"files": content_digest(spec.sources)})
    return settle(root, key, lambda: documents(spec))


@task(**STAGE)
def collect_questions(spec: QuestionSpec, root: Path) -> Table:
    """Return QUESTIONS: the procedural problems, and the questions of all sources."""
    key = Key("questions", CODE_VERSION, spec, {"files": content_digest(spec.sources)})
    return settle(root, key, lambda: questions(spec))
