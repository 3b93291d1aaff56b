"""Recall: what a student answers from memory about a handbook that it was trained on, closed book.

    python -m tests.bench.recall --seeds 3

The pocket teacher answers questions about the built-in handbook with the section before it; the rows
show the question alone. The student (LoRA on the same pocket model) is then asked the same facts in
other words, without any passage. A recomputation against the handbook decides what is right.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import yaml

import deployments.cli.main  # noqa: F401  quiet environment
from tests.bench.measure import tell

TRACEMILL = Path(sys.executable).parent / "tracemill"
TAUGHT = (
    "What is the fee for {topic} under {section}?",
    "How long is the reply period for {topic} under {section}?",
    "Which examiner decides on {topic} under {section}?",
)
ASKED = (
    "How much does the office charge for {topic} under {section}?",
    "When is a reply due for {topic} under {section}?",
    "Who handles {topic} under {section}?",
)


def recipe(seed: int) -> dict[str, Any]:
    """Return the recipe of a closed-book corpus over the handbook."""
    family = {
        "name": "recall",
        "share": 1,
        "context": 0,
        "forms": list(TAUGHT),
        "shown": "nothing",
    }
    return {
        "name": "recall",
        "prompts": {
            "rows": 280,
            "seed": seed,
            "saturation": 1,
            "control": 0.02,
            "families": [family],
        },
        "traces": {"samples": 4, "seed": seed},
        "models": {"teacher": {"temperature": 0.5}},
        "verdicts": {"structure": {"think_min": 20, "think_max": 2000}, "plants": 0},
        "corpus": {
            "validation": 0,
            "dedup": {"jaccard": 0.99},
            "suite": {"min_rows": 50, "general_min": 0, "think_min": 20},
        },
        "train": {
            "encode": {"max_length": 1024},
            "learning_rate": 0.005,
            "epochs": 20,
            "precision": "fp32",
            "seed": seed,
            "lora": {
                "rank": 32,
                "alpha": 64,
                "dropout": 0,
                "targets": [
                    "q_proj",
                    "k_proj",
                    "v_proj",
                    "o_proj",
                    "gate_proj",
                    "up_proj",
                    "down_proj",
                ],
            },
        },
        "placement": {"train": {"micro_batch": 16, "activation_checkpointing": False}},
    }


class Asked(NamedTuple):
    """A closed-book question, and what its answer must hold."""

    text: str
    value: str


def questions(mill: Path) -> Iterator[Asked]:
    """Yield questions in other words about the passages that rows were trained on."""
    trained = {
        passage
        for path in (mill / "corpus").glob("*/train.parquet")
        for row in pq.read_table(path, columns=["provenance"]).to_pylist()
        for passage in row["provenance"]["passage_ids"]
    }
    for path in (mill / "passages").glob("*/passages.parquet"):
        for row in pq.read_table(path).to_pylist():
            if row["passage_id"] in trained:
                yield from _of_passage(row)


def _of_passage(row: dict[str, Any]) -> Iterator[Asked]:
    import re

    topic = row["heading"][:1].lower() + row["heading"][1:]
    patterns = (r"\d+ credits", r"\d+ (?:days|weeks|months)", r"Examiner \w+")
    for form, pattern in zip(ASKED, patterns, strict=True):
        if found := re.search(pattern, row["text"]):
            yield Asked(form.format(topic=topic, section=row["section"]), found[0])


def right(asked: list[Asked], adapter: Path | None) -> int:
    """Return how many questions a model answers rightly, greedily, without a passage."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tasks.inference.chat import prompt_tokens
    from tasks.inference.models import POCKET

    tokenizer = AutoTokenizer.from_pretrained(str(POCKET))
    model = AutoModelForCausalLM.from_pretrained(str(POCKET), dtype=torch.float32)
    if adapter:
        model = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    model.eval()
    count = 0
    for one in asked:
        ids = prompt_tokens(tokenizer, [{"role": "user", "content": one.text}])
        with torch.no_grad():
            made = model.generate(torch.tensor([ids]), max_new_tokens=160, do_sample=False)
        text = tokenizer.decode(made[0][len(ids) :], skip_special_tokens=True)
        count += one.value in text.rpartition("</think>")[2]
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--asked", type=int, default=60)
    given = parser.parse_args()
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            written, mill = Path(folder) / "recall.yaml", Path(folder) / "mill"
            written.write_text(yaml.safe_dump(recipe(seed)))
            done = subprocess.run(
                [TRACEMILL, "train", written, "--root", mill],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            every = list(questions(mill))
            asked = every[:: max(1, len(every) // given.asked)]
            (adapter,) = (mill / "adapters").glob("*/adapter")
            base, student = right(asked, None), right(asked, adapter)
            log = json.loads((adapter.parent / "log.json").read_bytes())["log"]
        tell(
            "recall",
            seed=seed,
            asked=len(asked),
            base=base,
            student=student,
            points=round(100 * (student - base) / len(asked), 1),
            loss=round(log[-1]["loss"], 3),
            goal=">= 30 points",
        )


if __name__ == "__main__":
    main()
