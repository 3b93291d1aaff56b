"""The adapter as a table: its tensors as rows, its files beside them."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from tasks import rows
from tasks.inference.engine import Adapter
from tasks.plots import curve, svg
from tasks.store import Made, Table
from tasks.train.lora import Trained
from tasks.train.student import name_base

ADAPTER, STATE, LOG, CURVE = "adapter", "state", "log.json", "loss.svg"
WEIGHTS = ("adapter_config.json", "adapter_model.safetensors")


def adapter_of(table: Table) -> Adapter:
    """Return what an engine lays over the base."""
    return Adapter(table.path / ADAPTER, table.digest)


def state_of(table: Table | None) -> Path | None:
    """Return where the next stretch of the training goes on."""
    return table.path / STATE if table else None


def adapter_table(trained: Trained, work: Path, model: str) -> Made:
    """Return TENSORS of base and adapter; adapter, loss curve and, where the training goes on, its
    state lie beside them.
    """
    made = rows.table_of(trained.tensors, rows.TENSORS)
    return Made(
        {"tensors": made},
        rows.TENSORS,
        rows.rejected([]),
        rows_in=made.num_rows,
        attach=lambda folder: _attach(folder, trained, work, model),
        pages=(CURVE, LOG),
    )


def modules(tensors: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Return the isolation table a person reads: a line a kind of module, how many tensors moved,
    least and largest norm. tensors: TENSORS rows.
    """
    kinds: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in tensors:
        kinds.setdefault((str(row["part"]), str(row["module"]).rpartition(".")[2]), []).append(row)
    return [
        {
            "part": part,
            "module": module,
            "tensors": len(several),
            "moved": sum(bool(one["moved"]) for one in several),
            "norm": f"{min(float(str(one['norm'])) for one in several):.3g} to {max(float(str(one['norm'])) for one in several):.3g}",
        }
        for (part, module), several in sorted(kinds.items())
    ]


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
    steps, losses = [line["step"] for line in trained.log], [line["loss"] for line in trained.log]
    (folder / CURVE).write_text(
        svg("Training loss, nats a token", lambda axes: curve(axes, steps, losses, unit="nats"))
    )
