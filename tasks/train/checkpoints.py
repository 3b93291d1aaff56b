"""Checkpoints of a training: which are complete, where to continue, and the state that is kept."""

import shutil
from pathlib import Path
from typing import Any

from tasks.train.spec import Job

FINISHED = "finished"
"""File that marks a complete checkpoint."""
STATE = "state"
"""Folder with the last checkpoint of a part."""


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
