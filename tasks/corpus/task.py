"""The task of the corpus stage."""

from collections.abc import Mapping
from pathlib import Path

from prefect import task

from tasks.corpus.assemble import CorpusSpec, assemble
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
    name: str,
    teachers: Mapping[str, str],
    judge: str,
    trusting: str = "",
) -> Table:
    """Return the CORPUS: selected, cleaned, checked and described.

    teachers: name of a model → the model. judge, trusting: sentences for the card, which
    are not part of the corpus' key (trusting names the models that ran their own code). Raises
    SuiteFailed if the corpus does not satisfy the Spec.
    """
    inputs = digests(vars(upstream))
    inputs |= {"name": name, "teachers": teachers_digest(teachers)}
    key = Key("corpus", CODE_VERSION, spec, inputs)

    def made() -> Made:
        return assemble(
            upstream,
            spec,
            name=name,
            teachers=teachers,
            judge=judge,
            trusting=trusting,
            docs=data_docs(root, key.fingerprint),
            fingerprint=key.fingerprint,
        )

    return settle(root, key, made)


def teachers_digest(teachers: Mapping[str, str]) -> str:
    """Return a digest of the names and models of all teachers, for the key."""
    return digest(canonical(dict(teachers)))


def data_docs(root: Path, fingerprint: str) -> Path:
    """Return the folder of a corpus' Data Docs. They hold the time of the check, so they are kept
    outside the table.
    """
    return root / "data_docs" / fingerprint
