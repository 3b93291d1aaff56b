"""The task of the corpus stage."""

from collections.abc import Mapping
from pathlib import Path

from prefect import task

from tasks.corpus.assemble import CorpusSpec, assemble
from tasks.corpus.describe import About
from tasks.corpus.upstream import Upstream
from tasks.spec import canonical, digest
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table, digests

CODE_VERSION = 13


@task(**STAGE)
def assemble_corpus(
    upstream: Upstream,
    spec: CorpusSpec,
    root: Path,
    about: About,
) -> Table:
    """Return the CORPUS: selected, cleaned, checked and described. Raises SuiteFailed if the corpus
    does not satisfy the Spec.
    """
    inputs = digests(vars(upstream))
    inputs |= {"name": about.name, "teachers": teachers_digest(about.teachers)}
    key = Key("corpus", CODE_VERSION, spec, inputs)

    def made() -> Made:
        own = about._replace(fingerprint=key.fingerprint)
        return assemble(upstream, spec, own, docs=data_docs(root, key.fingerprint))

    return settle(root, key, made)


def teachers_digest(teachers: Mapping[str, str]) -> str:
    """Return a digest of the names and models of all teachers, for the key."""
    return digest(canonical(dict(teachers)))


def data_docs(root: Path, fingerprint: str) -> Path:
    """Return the folder of a corpus' Data Docs. They hold the time of the check, so they are kept
    outside the table.
    """
    return root / "data_docs" / fingerprint
