"""The corpus' door."""

from collections.abc import Mapping
from pathlib import Path

from prefect import task

from tasks.corpus.assemble import CorpusSpec, assemble
from tasks.corpus.upstream import Upstream
from tasks.spec import canonical, digest
from tasks.stage import STAGE, settle
from tasks.store import Key, Table, digests

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

    teachers: name of a model → the model. judge, trusting: sentences for the card, which are no part of the corpus' identity (trusting
    names the models that ran code of their own). SuiteFailed when the corpus is not what the Spec
    says.
    """
    inputs = digests(vars(upstream))
    key = Key(
        "corpus",
        CODE_VERSION,
        spec,
        inputs | {"name": name, "teachers": teachers_digest(teachers)},
    )
    docs = data_docs(root, key.fingerprint)
    return settle(
        root,
        key,
        lambda: assemble(
            upstream,
            spec,
            name=name,
            teachers=teachers,
            judge=judge,
            trusting=trusting,
            docs=docs,
            fingerprint=key.fingerprint,
        ),
    )


def teachers_digest(teachers: Mapping[str, str]) -> str:
    """Return what tells the teachers of one corpus from those of another: their names and models."""
    return digest(canonical(dict(teachers)))


def data_docs(root: Path, fingerprint: str) -> Path:
    """Return the folder of a corpus' Data Docs; they carry the time of checking, so they lie beside
    the table, not in it.
    """
    return root / "data_docs" / fingerprint
