"""Trains the pocket teacher from nothing: python -m infra.pocket_teacher.train --out DIR."""

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import islice
from pathlib import Path

import torch
from torch.optim import AdamW
from transformers import PreTrainedTokenizerFast

from infra.pocket_teacher.mixture import Batch, Stream, batches, training_problems
from infra.pocket_teacher.model import Pocket, Shape, stock_model
from infra.pocket_teacher.muon import Muon
from infra.pocket_teacher.tokenizer import build_tokenizer

MERGE_PROBLEMS = 20_000
CHECKPOINT_STEPS = 400
DRAWN_AHEAD = 1024
"""No more problems than these are drawn before their batch is full."""


@dataclass(frozen=True)
class Run:
    """Everything that decides what comes out of a training run, but for the machine's arithmetic."""

    steps: int = 4500
    seed: int = 20261121
    batch_tokens: int = 8192
    muon_rate: float = 0.02
    adam_rate: float = 0.004
    warmup_steps: int = 60
    decay_share: float = 0.5
    shape: Shape = field(default_factory=Shape)

    def rate(self, step: int) -> float:
        """The share of the full learning rate: up over the warm-up, level, then down in a line to nothing."""
        left = (self.steps - step) / self.steps
        return min(1.0, (step + 1) / self.warmup_steps, left / self.decay_share)


@dataclass(frozen=True)
class Record:
    """What made a model: kept beside the weights as training.json."""

    run: Run
    streams: tuple[Stream, ...]
    steps: int
    tokens: int
    loss: float
    seconds: int


class Progress:
    """Counts what was learned from, smooths the loss, and prints a line now and then."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step, self.problems, self.tokens, self.loss = steps, 0, 0, 0, 0.0
        self.started = self.printed = time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self.started

    def add(self, batch: Batch, loss: float) -> None:
        """Takes a finished step into account."""
        self.step += 1
        self.problems += len(batch.tokens)
        self.tokens += batch.tokens.numel()
        self.loss = loss if self.step == 1 else 0.97 * self.loss + 0.03 * loss
        if time.monotonic() - self.printed > 20 or self.step == self.steps:
            self.printed = time.monotonic()
            rate = self.tokens / self.seconds
            line = f"step {self.step}/{self.steps}  {self.tokens / 1e6:.1f} M tokens  {rate:.0f}/s  loss {self.loss:.4f}"
            print(f"{line}  {self.seconds:.0f} s", file=sys.stderr, flush=True)

    def record(self, run: Run) -> Record:
        """What was done so far."""
        streams = (Stream(run.seed, self.problems + DRAWN_AHEAD),)
        return Record(
            run,
            streams,
            steps=self.step,
            tokens=self.tokens,
            loss=round(self.loss, 4),
            seconds=round(self.seconds),
        )


def learn(
    model: Pocket, tokenizer: PreTrainedTokenizerFast, run: Run, *, out: Path, compiled: bool = True
) -> Progress:
    """Trains the model in place on the run's stream of problems; bfloat16 where it is safe."""
    forward = torch.compile(model, dynamic=False) if compiled else model
    muon = Muon(model)
    small = [
        parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim < 2 or "embedding" in name
    ]
    adam = AdamW(small, lr=run.adam_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    progress = Progress(run.steps)
    stream = batches(
        tokenizer.backend_tokenizer, training_problems(run.seed), tokens=run.batch_tokens
    )
    for step, batch in enumerate(islice(stream, run.steps)):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = forward(*batch)
        loss.backward()
        adam.param_groups[0]["lr"] = run.adam_rate * run.rate(step)
        adam.step()
        muon.step(run.muon_rate * run.rate(step))
        model.zero_grad(set_to_none=True)
        progress.add(batch, loss.item())
        if progress.step % CHECKPOINT_STEPS == 0 and progress.step < run.steps:
            save(model, tokenizer, run, progress, out=out.with_name(f"{out.name}.partial"))
    return progress


def save(
    model: Pocket, tokenizer: PreTrainedTokenizerFast, run: Run, progress: Progress, *, out: Path
) -> None:
    """Writes the folder under a temporary name and renames it, so that it is whole or absent."""
    temporary = out.with_name(f"{out.name}.writing")
    shutil.rmtree(temporary, ignore_errors=True)
    stock = stock_model(model, padding=tokenizer.pad_token_id, end=tokenizer.eos_token_id)
    stock.to(torch.bfloat16).save_pretrained(temporary)
    tokenizer.save_pretrained(temporary)
    (temporary / "training.json").write_text(
        json.dumps(asdict(progress.record(run)), indent=2) + "\n"
    )
    write_checksums(temporary)
    shutil.rmtree(out, ignore_errors=True)
    temporary.replace(out)


def write_checksums(folder: Path) -> None:
    """Makes every file readable to all and lists their digests in SHA256SUMS."""
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS"
    )
    for path in files:
        path.chmod(0o644)
    (folder / "SHA256SUMS").write_text(
        "".join(f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    )


def train(run: Run, *, out: Path, compiled: bool = True) -> Progress:
    """A trained model in the folder, with its tokenizer, the record of the run and checksums."""
    torch.manual_seed(run.seed)
    torch.set_float32_matmul_precision("medium")
    tokenizer = build_tokenizer(
        islice(training_problems(run.seed + 1), MERGE_PROBLEMS), vocabulary=run.shape.vocabulary
    )
    model = Pocket(run.shape)
    progress = learn(model, tokenizer, run, out=out, compiled=compiled)
    save(model, tokenizer, run, progress, out=out)
    return progress


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder of the finished model; replaced if it exists",
    )
    parser.add_argument(
        "--steps", type=int, default=Run.steps, help="training steps of about 8192 tokens"
    )
    parser.add_argument(
        "--seed", type=int, default=Run.seed, help="decides the problems and the first weights"
    )
    arguments = parser.parse_args()
    train(Run(steps=arguments.steps, seed=arguments.seed), out=arguments.out)


if __name__ == "__main__":
    main()
