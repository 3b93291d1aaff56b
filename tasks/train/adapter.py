"""The table of an adapter: its tensors as rows, its weights as files."""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tasks import rows
from tasks.inference.engine import Adapter
from tasks.plots import curve, svg
from tasks.store import Made, Table
from tasks.train.lora import Trained
from tasks.train.student import ComparedTensor, name_base

ADAPTER, STATE, LOG, CURVE = "adapter", "state", "log.json", "loss.svg"
"""Names of files and folders in the table."""
WEIGHTS = ("adapter_config.json", "adapter_model.safetensors")
"""Files of the adapter."""


def adapter_of(table: Table) -> Adapter:
    """Return the adapter in the form that an engine loads."""
    return Adapter(table.path / ADAPTER, table.digest)


def state_of(table: Table | None) -> Path | None:
    """Return the folder from which the next part of the training continues, None without one."""
    return table.path / STATE if table else None


def adapter_table(trained: Trained, work: Path, model: str) -> Made:
    """Return TENSORS of base model and adapter, with the adapter, the loss curve and, if the
    training is not finished, its state as files.
    """
    made = rows.table_of([one._asdict() for one in trained.tensors], rows.TENSORS)
    return Made(
        {"tensors": made},
        rows.TENSORS,
        rows.rejected([]),
        rows_in=made.num_rows,
        attach=lambda folder: _attach(folder, trained, work, model),
        pages=(CURVE, LOG),
    )


def modules(tensors: Iterable[Mapping[str, Any]]) -> list[dict[str, str | int]]:
    """Return the table of the isolation check: one row per kind of module with the number of
    tensors that changed, and the smallest and largest norm. tensors: rows of TENSORS.
    """
    kinds: dict[tuple[str, str], list[ComparedTensor]] = {}
    for row in tensors:
        one = ComparedTensor(**row)
        kinds.setdefault((one.part, one.kind), []).append(one)
    return [_module(several) for _, several in sorted(kinds.items())]


def _module(several: Sequence[ComparedTensor]) -> dict[str, str | int]:
    norms = [one.norm for one in several]
    return {
        "part": several[0].part,
        "module": several[0].kind,
        "tensors": len(several),
        "moved": sum(one.moved for one in several),
        "norm": f"{min(norms):.3g} to {max(norms):.3g}",
    }


def _attach(folder: Path, trained: Trained, work: Path, model: str) -> None:
    (folder / ADAPTER).mkdir()
    for name in WEIGHTS:
        shutil.copy(work / STATE / name, folder / ADAPTER / name)
    name_base(folder / ADAPTER, model)
    if trained.step < trained.steps:
        shutil.copytree(work / STATE, folder / STATE)
    progress = {
        "step": trained.step,
        "steps": trained.steps,
        "validation_loss": trained.validation_loss,
        "log": trained.log,
    }
    (folder / LOG).write_text(json.dumps(progress, indent=1) + "\n")
    steps = [line["step"] for line in trained.log]
    losses = [line["loss"] for line in trained.log]
    plot = partial(curve, steps=steps, values=losses, unit="nats")
    (folder / CURVE).write_text(svg("Training loss, nats per token", plot))
