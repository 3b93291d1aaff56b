"""The sources' doors: documents and questions."""

from pathlib import Path

from prefect import task

from tasks.sources.collect import content_digest, documents, questions
from tasks.sources.spec import DocumentSpec, QuestionSpec
from tasks.stage import STAGE, settle
from tasks.store import Key, Table

CODE_VERSION = 3


@task(**STAGE)
def collect_documents(spec: DocumentSpec, root: Path) -> Table:
    """Read every source into DOCUMENTS."""
    key = Key("documents", CODE_VERSION, spec, {"files": content_digest(spec.sources)})
    return settle(root, key, lambda: documents(spec))


@task(**STAGE)
def collect_questions(spec: QuestionSpec, root: Path) -> Table:
    """Draw the procedural problems and read every source of questions into QUESTIONS."""
    key = Key("questions", CODE_VERSION, spec, {"files": content_digest(spec.sources)})
    return settle(root, key, lambda: questions(spec))
