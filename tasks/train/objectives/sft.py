"""Supervised fine-tuning: the student learns the tokens of an answer, given its prompt."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.inference.models import quiet_transformers
from tasks.train import student as weights
from tasks.train.examples import load_template
from tasks.train.spec import Job
from tasks.train.watch import Watch

IGNORED = -100
"""The label of a token outside the loss, as in torch's cross-entropy."""


def trainer_of(base: Any, job: Job, watch: Watch | None = None) -> Any:
    """Return the trainer for a job. Its rows are token ids and labels, so it tokenizes nothing.

    base: the model, which gets an adapter. watch: follows the training.
    """
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    quiet_transformers()

    spec, placement, gpu = job.spec, job.placement, weights.on_gpu()
    micro, lora = min(placement.micro_batch, spec.batch), spec.lora
    adapter = weights.lora_config(lora.rank, lora.alpha, lora.dropout, lora.targets)
    config = SFTConfig(
        output_dir=str(job.work),
        max_length=spec.encode.max_length,
        packing=spec.packing,
        num_train_epochs=spec.epochs,
        per_device_train_batch_size=micro,
        per_device_eval_batch_size=micro,
        gradient_accumulation_steps=spec.batch // micro,
        learning_rate=spec.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=spec.warmup,
        weight_decay=spec.weight_decay,
        max_grad_norm=spec.max_grad_norm,
        optim="adamw_torch",
        bf16=spec.precision == "bf16",
        fp16=False,
        use_cpu=not gpu,
        full_determinism=not gpu,
        seed=spec.seed,
        gradient_checkpointing=placement.activation_checkpointing,
        save_strategy="steps",
        save_steps=placement.save_every,
        save_total_limit=2,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=gpu,
    )
    trainer = SFTTrainer(
        model=base,
        args=config,
        processing_class=load_template(spec.student).tokenizer,
        peft_config=adapter,
        train_dataset=Dataset.from_list(labelled(job.train)),
        callbacks=[watch.callback()] if watch else None,
        eval_dataset=Dataset.from_list(labelled(job.validation)) if job.validation else None,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def labelled(path: Path) -> list[dict[str, list[int]]]:
    """Return the rows of a Parquet file of EXAMPLES in the trainer's form."""
    return [_labelled(**row) for row in _rows(path)]


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path, columns=["input_ids", "loss_mask"]).to_pylist()
    return rows


def _labelled(input_ids: list[int], loss_mask: list[bool]) -> dict[str, list[int]]:
    pairs = zip(input_ids, loss_mask, strict=True)
    labels = [token if learned else IGNORED for token, learned in pairs]
    return {"input_ids": input_ids, "labels": labels}
