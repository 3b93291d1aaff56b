"""Small trainings: problems with their worked chains as a corpus, a few steps on the pocket
teacher's weights.
"""

from pathlib import Path

import pyarrow.parquet as pq

from tasks import think
from tasks.inference.engine import Message
from tasks.sources.problems import draw
from tasks.train.examples import EncodeSpec, encode_corpus, examples, load_template
from tasks.train.spec import Job, TrainPlacement, TrainSpec

SPEC = TrainSpec(
    encode=EncodeSpec(max_length=512), learning_rate=2e-3, batch=4, epochs=1, precision="fp32"
)
PLACEMENT = TrainPlacement(micro_batch=4, activation_checkpointing=False, save_every=4)


def conversation(family: str, seed: int) -> list[Message]:
    """Return a problem with its worked chain and answer."""
    problem = draw(family, seed)
    return [
        {"role": "user", "content": problem.prompt},
        {"role": "assistant", "content": think.join(problem.think, problem.answer)},
    ]


def write_examples(folder: Path, *, rows: int = 48, family: str = "addition") -> Path:
    """Write problems as EXAMPLES and return the file."""
    import pyarrow as pa

    folder.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(
        [
            {"row_id": f"{number:08d}", "messages": conversation(family, number)}
            for number in range(rows)
        ]
    )
    made = examples(
        encode_corpus({"train": table}, load_template(SPEC.student), SPEC.encode), SPEC.encode
    )
    pq.write_table(made.parts["train"], folder / "train.parquet")
    return folder / "train.parquet"


def job(
    train: Path,
    work: Path,
    *,
    begin: Path | None = None,
    until: int | None = None,
    placement: TrainPlacement = PLACEMENT,
) -> Job:
    """Return a stretch of a training without validation rows."""
    return Job(SPEC, placement, train, None, work, begin, until)
