"""The task of the grounding stage: passages and their index."""

import shutil
from pathlib import Path

from prefect import task

from tasks.grounding.ground import GroundingSpec, ground
from tasks.stage import STAGE, settle
from tasks.store import SCRATCH, Key, Table

CODE_VERSION = 5


@task(**STAGE)
def ground_passages(documents: Table, spec: GroundingSpec, root: Path) -> Table:
    """Return PASSAGES: the documents cut into passages, with embeddings and neighbours.

    Embeddings of an interrupted run are kept until the table is finished.
    """
    key = Key("passages", CODE_VERSION, spec, {"documents": documents.digest})
    scratch = root / SCRATCH / f"{key.stage}-{key.fingerprint}"
    table = settle(root, key, lambda: ground(documents.read(), spec, scratch=scratch))
    shutil.rmtree(scratch, ignore_errors=True)
    return table
