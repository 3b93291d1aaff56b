"""Tokens a second of our training against a bare TRL script with the same settings, on the same
rows; both in processes of their own.

`python -m tests.bench.train_speed [--rows 240] [--runs 3]`. Goal: at least 0.95 of bare TRL. Runs
alternate; the medians are compared.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import deployments.cli.main  # noqa: F401  quiet environment
from tasks.train.child import Tell, in_child
from tasks.train.spec import TrainPlacement
from tests.bench.measure import tell
from tests.support.students import SPEC, conversation, job, write_examples

PLACEMENT = TrainPlacement(micro_batch=SPEC.batch, activation_checkpointing=False)
"""The product's own checkpoint interval; the bare script writes none at all."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=240)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    speeds: dict[str, list[float]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as name:
        train = write_examples(Path(name), rows=options.rows)
        for run in range(options.runs):
            speeds["bare"].append(
                in_child(bare, (options.rows, Path(name) / f"bare{run}"), _silent)
            )
            speeds["ours"].append(
                in_child(ours, job(train, Path(name) / f"ours{run}", placement=PLACEMENT), _silent)
            )
    own, due = (statistics.median(speeds[name]) for name in ("ours", "bare"))
    tell(
        "train_cpu",
        ours_tokens_per_second=own,
        bare_tokens_per_second=due,
        ratio=own / due,
        goal=">= 0.95",
    )


def ours(given: object, told: Tell) -> float:
    """Return tokens a second of the product's trainer, checkpoints and progress included."""
    from tasks.train import student as weights
    from tasks.train.objectives.sft import trainer_of
    from tasks.train.spec import Job
    from tasks.train.watch import Watch

    assert isinstance(given, Job)
    trainer = trainer_of(
        weights.load(given.spec.student, precision=given.spec.precision), given, Watch(None, told)
    )
    return _speed(trainer)


def bare(given: tuple[int, Path], told: Tell) -> float:
    """Return tokens a second of what TRL's own quick start makes of the same rows: chat messages,
    its own tokenizing and masking.
    """
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from tasks.inference.models import POCKET

    rows, folder = given
    config = SFTConfig(
        output_dir=str(folder),
        max_length=SPEC.encode.max_length,
        num_train_epochs=SPEC.epochs,
        per_device_train_batch_size=SPEC.batch,
        learning_rate=SPEC.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=SPEC.warmup,
        assistant_only_loss=True,
        bf16=False,
        use_cpu=True,
        full_determinism=True,
        gradient_checkpointing=False,
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )
    lora = LoraConfig(
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,
        target_modules=list(SPEC.lora.targets),
        task_type="CAUSAL_LM",
    )
    model = AutoModelForCausalLM.from_pretrained(POCKET, dtype=torch.float32)
    messages = Dataset.from_list(
        [{"messages": conversation("addition", number)} for number in range(rows)]
    )
    return _speed(
        SFTTrainer(
            model=model,
            args=config,
            processing_class=AutoTokenizer.from_pretrained(POCKET),
            train_dataset=messages,
            peft_config=lora,
        )
    )


def _speed(trainer: object) -> float:
    started = time.perf_counter()
    trainer.train()  # type: ignore[attr-defined]
    seconds = time.perf_counter() - started
    history = trainer.state.log_history  # type: ignore[attr-defined]
    return float(
        next(line["num_tokens"] for line in reversed(history) if "num_tokens" in line) / seconds
    )


def _silent(**told: object) -> None:
    """Report progress to nobody."""


if __name__ == "__main__":
    main()
