"""Find documents and passages of an earlier build in the store, so that they are not read again."""

import json
from collections.abc import Mapping
from pathlib import Path

from flows.recipes.corpus import Recipe
from tasks.manifest import MANIFEST
from tasks.sources.collect import content_digest
from tasks.sources.spec import Source
from tasks.spec import Spec
from tasks.store import Key, Table, find


def documents(recipe: Recipe, root: Path) -> Table | None:
    """Return the DOCUMENTS of a recipe; None if the store lacks them."""
    sources: tuple[Source, ...] = recipe.documents.sources
    return _stored(root, "documents", recipe.documents, {"files": content_digest(sources)})


def passages(recipe: Recipe, root: Path, found: Table) -> Table | None:
    """Return the PASSAGES of DOCUMENTS; None if the store lacks them."""
    return _stored(root, "passages", recipe.grounding, {"documents": found.digest})


def _stored(root: Path, stage: str, spec: Spec, inputs: Mapping[str, str]) -> Table | None:
    """Return the table of a stage, made by the newest code version that has written it."""
    manifests = (root / stage).glob(f"[!.]*/{MANIFEST}")
    versions = {int(json.loads(path.read_bytes())["code_version"]) for path in manifests}
    for version in sorted(versions, reverse=True):
        if found := find(root, Key(stage, version, spec, inputs)):
            return found
    return None
