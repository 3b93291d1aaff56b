"""TRL's trainer: its settings, its checkpoints, what it tells under way, and where it goes on after
a kill.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks.inference.models import quiet_transformers
from tasks.train import student as weights
from tasks.train.apart import Tell
from tasks.train.examples import load_template
from tasks.train.lora import Job

FINISHED, STATE = "finished", "state"
IGNORED = -100
"""The label of a token outside the loss, as torch's cross-entropy knows it."""
LOGGED = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "mean_token_accuracy": "token_accuracy",
}


def trainer_of(base: Any, job: Job, watch: "Watch | None" = None) -> Any:
    """Return TRL's trainer over rows that are ids and labels already: it tokenizes nothing."""
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    disable_progress_bars()
    quiet_transformers()

    spec, placement, gpu = job.spec, job.placement, weights.on_gpu()
    micro = min(placement.micro_batch, spec.batch)
    adapter = weights.lora_config(
        spec.lora.rank, spec.lora.alpha, spec.lora.dropout, spec.lora.targets
    )
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
    """Return a Parquet of EXAMPLES as the trainer's rows."""
    return [
        {
            "input_ids": row["input_ids"],
            "labels": [
                token if learnt else IGNORED
                for token, learnt in zip(row["input_ids"], row["loss_mask"], strict=True)
            ],
        }
        for row in pq.read_table(path).to_pylist()
    ]


def start(job: Job) -> str | None:
    """Return the checkpoint to go on from: this stretch's last finished one, else where the stretch
    before ended, else none.

    One that was being written when the process was killed has no mark, and is removed.
    """
    found = sorted(
        job.work.glob("checkpoint-*"), key=lambda folder: int(folder.name.rpartition("-")[2])
    )
    for folder in found:
        if not (folder / FINISHED).exists():
            shutil.rmtree(folder)
    whole = [folder for folder in found if folder.exists()]
    return str(whole[-1]) if whole else str(job.begin) if job.begin else None


def trained_to(checkpoint: str | None, until: int | None) -> Any:
    """Return the state of a checkpoint that is already where the stretch ends, None where there is
    a step left to train.
    """
    from transformers import TrainerState

    if checkpoint is None:
        return None
    state = TrainerState.load_from_json(str(Path(checkpoint) / "trainer_state.json"))
    return state if state.global_step == (until or state.max_steps) else None


def keep_state(work: Path, step: int) -> None:
    """Give the last checkpoint the name under which it is looked for."""
    shutil.rmtree(work / STATE, ignore_errors=True)
    shutil.copytree(work / f"checkpoint-{step}", work / STATE)


class Watch:
    """Follows a training: stops it at the last step due, marks finished checkpoints, counts tokens
    and time, tells how far it is.
    """

    def __init__(self, until: int | None, tell: Tell) -> None:
        self._until, self._tell = until, tell
        self._clock = 0.0
        self._first_tokens = self._last_tokens = self._seconds = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Tokens read a second, padding left out, from the second step on: the first one warms up."""
        return (self._last_tokens - self._first_tokens) / self._seconds if self._seconds else 0.0

    def lines(self, history: list[dict[str, float]]) -> list[dict[str, float]]:
        """Return loss, rate, gradient norm and accuracy of every step since the very first."""
        steps = [line for line in history if "loss" in line]
        return [
            {"step": line["step"]}
            | {ours: line[theirs] for theirs, ours in LOGGED.items() if theirs in line}
            for line in steps
        ]

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
