"""Model FLOP utilisation of LoRA training on a GPU: random weights of the Qwen3-8B shape, bfloat16,
rows of 2,048 tokens.

`python -m tests.bench.train_gpu [--shape qwen3-8b] [--steps 12] [--peak-tflops 989]`. Goal: at
least 0.45 on an H200 (989 TFLOP/s dense bfloat16, NVIDIA's data sheet); peak memory is reported.
`--shape tiny` runs anywhere, to see that it runs.
"""

import argparse
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import deployments.cli.main  # noqa: F401  quiet environment
from tasks.train import student as weights
from tasks.train.examples import EncodeSpec
from tasks.train.lora import flops_per_token
from tasks.train.objectives.sft import trainer_of
from tasks.train.spec import Job, TrainPlacement, TrainSpec
from tasks.train.watch import Watch
from tests.bench.measure import tell

SHAPES: dict[str, dict[str, int]] = {
    "qwen3-8b": {
        "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "vocab_size": 151936,
    },
    "tiny": {
        "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "head_dim": 32, "vocab_size": 2048,
    },
}  # fmt: skip
TOKENS = 2048


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="qwen3-8b")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--micro-batch", type=int, default=4)
    parser.add_argument("--attention", default="sdpa")
    parser.add_argument("--keep-activations", action="store_true")
    parser.add_argument("--peak-tflops", type=float, default=989.0)
    options = parser.parse_args()
    spec = TrainSpec(encode=EncodeSpec(max_length=TOKENS), batch=options.batch, epochs=1)
    placement = TrainPlacement(
        micro_batch=options.micro_batch,
        attention=options.attention,
        activation_checkpointing=not options.keep_activations,
        save_every=10_000,
    )
    base = model(SHAPES[options.shape], options.attention)
    watch = Watch(None, lambda **told: None)
    with tempfile.TemporaryDirectory() as folder:
        rows = write(Path(folder) / "train.parquet", options.steps * options.batch)
        trainer = trainer_of(
            base, Job(spec, placement, rows, None, Path(folder), None, None), watch
        )
        trainer.train()
        flops = flops_per_token(weights.tensors(trainer.model))
    tell(
        "train_gpu",
        shape=options.shape,
        tokens_per_second=watch.tokens_per_second,
        utilisation=watch.tokens_per_second * flops / (options.peak_tflops * 1e12),
        measured_peak_tflops=weights.flops_per_second() / 1e12,
        peak_gib=weights.peak_bytes() / 2**30,
        goal=">= 0.45 on an H200",
    )


def model(shape: dict[str, int], attention: str) -> Any:
    """Return a model of the shape with random weights."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen3Config

    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        return AutoModelForCausalLM.from_config(
            Qwen3Config(**shape), dtype=torch.bfloat16, attn_implementation=attention
        )


def write(path: Path, rows: int) -> Path:
    """Write rows of random ids, the last three quarters of each in the loss."""
    from tasks.rows import EXAMPLES

    rng = Random(7)
    made = [
        {
            "row_id": str(number),
            "input_ids": [rng.randrange(8, 2048) for _ in range(TOKENS)],
            "loss_mask": [place >= TOKENS // 4 for place in range(TOKENS)],
        }
        for number in range(rows)
    ]
    pq.write_table(pa.Table.from_pylist(made, schema=EXAMPLES), path)
    return path


if __name__ == "__main__":
    main()
