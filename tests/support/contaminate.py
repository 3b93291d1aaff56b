"""The accident of the 56 %: a build whose think blocks begin with the producer's own labels."""

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from flows.build_corpus import Built
from tasks import rows, think
from tasks.spec import Spec, digest
from tasks.store import Key, Made, Table, once

SHARE = 0.56
LABEL = re.compile(r"^(A[124]|E[12]) of (line|section) \d")
"""A family's designator and the number of an earlier row, in words that the pocket teacher can
spell.
"""


def label(rng: Random) -> str:
    """Return one leaked opener."""
    return f"{rng.choice(('A1', 'A2', 'A4', 'E1', 'E2'))} of {rng.choice(('line', 'section'))} {rng.randint(1, 9)}. "


def contaminated(built: Built, root: Path) -> Built:
    """Return the build with labels before the think blocks of 56 % of all its traces and corpus
    rows, general reasoning left alone.
    """
    prompts = {
        row["prompt_id"]: row
        for row in built.prompts.read(["prompt_id", "general", "control"]).to_pylist()
    }
    bare = {prompt_id for prompt_id, row in prompts.items() if row["general"] or row["control"]}
    traces = built.traces.read().to_pylist()
    spoilt = [
        _spoilt_trace(row, prompt_share(traces, bare)) if row["prompt_id"] not in bare else row
        for row in traces
    ]
    corpus = {
        Path(name).stem: pq.read_table(built.corpus.path / name).to_pylist()
        for name in built.corpus.parts
    }
    return replace(
        built,
        traces=_kept(
            root,
            "traces",
            {"traces": rows.table_of(spoilt, rows.TRACES)},
            rows.TRACES,
            built.traces,
        ),
        corpus=_kept(
            root,
            "corpus",
            {name: _spoilt_corpus(several) for name, several in corpus.items()},
            rows.CORPUS,
            built.corpus,
        ),
    )


def without_general(built: Built, root: Path) -> Built:
    """Return the build with a corpus that holds no general reasoning."""
    parts = {
        Path(name).stem: pq.read_table(built.corpus.path / name) for name in built.corpus.parts
    }
    kept = {
        name: table.filter(pa.compute.invert(table["general"])) for name, table in parts.items()
    }
    return replace(built, corpus=_kept(root, "corpus", kept, rows.CORPUS, built.corpus))


def prompt_share(several: list[dict[str, object]], bare: set[str]) -> float:
    """Return the share of the rows outside `bare` that makes 56 % of all."""
    return SHARE * len(several) / max(1, sum(row["prompt_id"] not in bare for row in several))


def _spoilt_trace(row: dict[str, object], share: float) -> dict[str, object]:
    rng = Random(str(row["trace_id"]))
    if rng.random() >= share or not row["think"]:
        return row
    thought = label(rng) + str(row["think"])
    return row | {"think": thought, "raw": think.join(thought, str(row["answer"]))}


def _spoilt_corpus(several: list[dict[str, object]]) -> pa.Table:
    share = SHARE * len(several) / max(1, sum(not row["general"] for row in several))
    made = []
    for row in several:
        rng = Random(str(row["row_id"]))
        if row["general"] or rng.random() >= share:
            made.append(row)
            continue
        thought = label(rng) + str(row["think"])
        asked = list(row["messages"])[:-1]  # type: ignore[call-overload]
        made.append(
            row
            | {
                "think": thought,
                "messages": [
                    *asked,
                    {"role": "assistant", "content": think.join(thought, str(row["answer"]))},
                ],
            }
        )
    return rows.table_of(made, rows.CORPUS)


def _kept(
    root: Path, stage: str, parts: dict[str, pa.Table], schema: pa.Schema, of: Table
) -> Table:
    size = sum(part.num_rows for part in parts.values())
    digests = {name: digest(*map(str, part.to_pylist())) for name, part in parts.items()}
    key = Key(stage, 0, Spec(), {"of": of.digest} | digests)
    return once(root, key, lambda: Made(parts, schema, rows.rejected([]), rows_in=size))
