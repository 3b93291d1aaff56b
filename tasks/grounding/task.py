"""The grounding's door: passages and their index."""

from pathlib import Path

from prefect import task

from tasks.grounding.ground import GroundingSpec, ground
from tasks.policy import STAGE, settle
from tasks.store import Key, Table

CODE_VERSION = 2


@task(**STAGE)
def ground_passages(documents: Table, spec: GroundingSpec, root: Path) -> Table:
    """Cut DOCUMENTS into PASSAGES, embed them and find their neighbours."""
    key = Key("passages", CODE_VERSION, spec, {"documents": documents.digest})
    return settle(root, key, lambda: ground(documents.read(), spec))
