"""The corpus' door."""

from pathlib import Path

from prefect import task

from tasks.corpus.assemble import CorpusSpec, assemble
from tasks.corpus.upstream import Upstream
from tasks.stage import STAGE, settle
from tasks.store import Key, Table, digests

CODE_VERSION = 12


@task(**STAGE)
def assemble_corpus(
    upstream: Upstream,
    spec: CorpusSpec,
    root: Path,
    name: str,
    teacher: str,
    judge: str,
    trusting: str = "",
) -> Table:
    """Return the CORPUS: selected, cleaned, checked and described.

    judge, trusting: sentences for the card, which are no part of the corpus' identity (trusting
    names the models that ran code of their own). SuiteFailed when the corpus is not what the Spec
    says.
    """
    inputs = digests(vars(upstream))
    key = Key(
        "corpus",
        CODE_VERSION,
        spec,
        inputs | {"name": name, "teacher": teacher},
    )
    docs = data_docs(root, key.fingerprint)
    return settle(
        root,
        key,
        lambda: assemble(
            upstream,
            spec,
            name=name,
            teacher=teacher,
            judge=judge,
            trusting=trusting,
            docs=docs,
            fingerprint=key.fingerprint,
        ),
    )


def data_docs(root: Path, fingerprint: str) -> Path:
    """Return the folder of a corpus' Data Docs; they carry the time of checking, so they lie beside
    the table, not in it.
    """
    return root / "data_docs" / fingerprint
