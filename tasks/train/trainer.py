"""The trainer of TRL: its settings, its checkpoints, its progress, and the continuation of an
interrupted training.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.inference.models import quiet_transformers
from tasks.train import student as weights
from tasks.train.child import Tell
from tasks.train.examples import load_template
from tasks.train.spec import Job

FINISHED = "finished"
"""File that marks a complete checkpoint."""
STATE = "state"
"""Folder with the last checkpoint of a part."""
IGNORED = -100
"""The label of a token outside the loss, as in torch's cross-entropy."""
LOGGED = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "mean_token_accuracy": "token_accuracy",
}
"""Name in the trainer's log → name in ours."""


def trainer_of(base: Any, job: Job, watch: "Watch | None" = None) -> Any:
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


def start(job: Job) -> str | None:
    """Return the checkpoint from which to continue: the last complete one of this part, else the
    end of the part before, else None.

    Incomplete checkpoints of a killed process have no mark and are removed.
    """
    found = sorted(job.work.glob("checkpoint-*"), key=_step)
    for folder in found:
        if not (folder / FINISHED).exists():
            shutil.rmtree(folder)
    complete = [folder for folder in found if folder.exists()]
    last = complete[-1] if complete else job.begin
    return str(last) if last else None


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def trained_to(checkpoint: str | None, until: int | None) -> Any:
    """Return the state of a checkpoint that is already at the end of the part, None if a step is
    left.
    """
    from transformers import TrainerState

    if checkpoint is None:
        return None
    state = TrainerState.load_from_json(str(Path(checkpoint) / "trainer_state.json"))
    return state if state.global_step == (until or state.max_steps) else None


def keep_state(work: Path, step: int) -> None:
    """Copy the last checkpoint to the folder STATE."""
    shutil.rmtree(work / STATE, ignore_errors=True)
    shutil.copytree(work / f"checkpoint-{step}", work / STATE)


def _logged(line: dict[str, float]) -> dict[str, float]:
    ours = {own: line[theirs] for theirs, own in LOGGED.items() if theirs in line}
    return {"step": line["step"]} | ours


class Watch:
    """Follows a training: stops it at the last step, marks complete checkpoints, counts tokens and
    time, and reports progress.
    """

    def __init__(self, until: int | None, tell: Tell) -> None:
        self._until, self._tell = until, tell
        self._clock = 0.0
        self._first_tokens = self._last_tokens = self._seconds = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Return tokens per second without padding. The first step does not count, because it warms
        up.
        """
        return (self._last_tokens - self._first_tokens) / self._seconds if self._seconds else 0.0

    def lines(self, history: list[dict[str, float]]) -> list[dict[str, float]]:
        """Return loss, rate, gradient norm and accuracy of all steps from the first on."""
        return [_logged(line) for line in history if "loss" in line]

    def callback(self) -> Any:
        """Return this watch in the form that the trainer calls."""
        from transformers import TrainerCallback

        watch = self

        class Callback(TrainerCallback):  # type: ignore[misc]
            def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                if state.global_step in (watch._until, state.max_steps):
                    control.should_save = control.should_training_stop = True

            def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                watch._note(state)

            def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / FINISHED).touch()

        return Callback()

    def _note(self, state: Any) -> None:
        line = state.log_history[-1]
        if "loss" not in line:
            return
        now, tokens = time.perf_counter(), float(line["num_tokens"])
        if self._clock:
            self._seconds += now - self._clock
            self._last_tokens = tokens
        else:
            self._first_tokens = self._last_tokens = tokens
        self._clock = now
        self._tell(done=state.global_step, total=state.max_steps, tokens=int(tokens))
