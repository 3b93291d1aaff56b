"""The nearest-neighbour index over the embeddings of passages."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.inference.embedding import MINILM, VECTORS, Vectors
from tasks.spec import Spec

GRAPH = "index.hnsw"
"""File of the HNSW graph."""
SCORE_ROWS = 1024
"""Queries that are compared with all vectors at a time."""
DIGITS = 6
"""Decimals of a score."""
SLACK = 2e-6
"""More than rounding can change a score."""


class IndexSpec(Spec):
    """How passages are embedded and searched."""

    model: str = MINILM
    """A sentence-transformers model: builtin:minilm, a folder, or a hub name."""
    exact_below: int = Field(50_000, ge=0)
    """With fewer passages, all vectors are compared: the result is exact, and even on one core it
    takes no longer than the graph, which one thread builds.
    """
    links: int = Field(16, ge=4, le=128)
    """HNSW links per node (M)."""
    build_width: int = Field(200, ge=16)
    """HNSW candidates during the build (efConstruction)."""
    search_width: int = Field(200, ge=16)
    """HNSW candidates during a search (ef)."""


class PassageIndex:
    """Cosine search over unit vectors: exact if they are few, HNSW (Malkov & Yashunin 2016) if they
    are many.
    """

    def __init__(self, vectors: Vectors, spec: IndexSpec, graph: Any = None) -> None:
        self.vectors = vectors
        self._spec = spec
        self._graph = graph

    @classmethod
    def build(cls, vectors: Vectors, spec: IndexSpec) -> "PassageIndex":
        """Return an index over (n, d) unit vectors. It is built by one thread, so that the graph is
        always the same.
        """
        if len(vectors) < spec.exact_below:
            return cls(vectors, spec)
        graph = _graph(vectors.shape[1])
        graph.init_index(
            max_elements=len(vectors), ef_construction=spec.build_width, M=spec.links, random_seed=0
        )
        graph.add_items(vectors, np.arange(len(vectors)), num_threads=1)
        return cls(vectors, spec, _widened(graph, spec))

    def save(self, folder: Path) -> None:
        """Write the vectors, and the graph if there is one, into a folder."""
        np.save(folder / VECTORS, self.vectors)
        if self._graph is not None:
            self._graph.save_index(str(folder / GRAPH))

    @classmethod
    def load(cls, folder: Path, spec: IndexSpec) -> "PassageIndex":
        """Return the index in a folder. The search width is set again, because hnswlib does not
        save it.
        """
        vectors = np.load(folder / VECTORS)
        if not (folder / GRAPH).exists():
            return cls(vectors, spec)
        graph = _graph(vectors.shape[1])
        graph.load_index(str(folder / GRAPH), max_elements=len(vectors))
        return cls(vectors, spec, _widened(graph, spec))

    def search(self, queries: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
        """Return (labels, cosines), each (len(queries), min(k, n)), the best first. Ties go to the
        lower label.
        """
        k = min(k, len(self.vectors))
        if self._graph is None:
            return _exact(self.vectors, queries, k)
        # Only the build depends on the order of threads. A search only reads.
        labels, distances = self._graph.knn_query(queries, k=k, num_threads=-1)
        return labels.astype(np.int64), (1.0 - distances).astype(np.float32)


def _exact(vectors: Vectors, queries: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
    starts = range(0, len(queries), SCORE_ROWS)
    found = [_best(queries[low : low + SCORE_ROWS] @ vectors.T, k) for low in starts]
    return np.concatenate([one for one, _ in found]), np.concatenate([one for _, one in found])


def _best(block: Vectors, k: int) -> tuple[NDArray[np.int64], Vectors]:
    """Return (labels, scores) of the k largest scores of every row, (rows, k) each, without a full
    sort.

    Scores are rounded so that equal texts tie. Then the lower label wins, in any order of
    summation.
    """
    place = block.shape[1] - k
    least = np.round(np.partition(block, place, axis=1)[:, place], DIGITS)
    rows, labels = np.nonzero(block >= (least - SLACK)[:, None])
    scores = np.round(block[rows, labels], DIGITS)
    order = np.lexsort((labels, -scores, rows))
    starts = np.searchsorted(rows, np.arange(len(block)))
    first = order[starts[:, None] + np.arange(k)]
    return labels[first].astype(np.int64), scores[first]


def _graph(dimensions: int) -> Any:
    import hnswlib

    return hnswlib.Index(space="cosine", dim=dimensions)


def _widened(graph: Any, spec: IndexSpec) -> Any:
    graph.set_ef(spec.search_width)
    return graph
