"""The student's weights: loading, comparison by tensors, and merging. Only this module of the room
imports torch.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tasks.errors import BaseMoved
from tasks.inference.checkpoint import load_model
from tasks.train.examples import StudentSpec

_WRAPPING = re.compile(r"^base_model\.model\.|\.base_layer(?=\.)|\.default(?=\.|$)")
_ADAPTER = re.compile(r"\.lora_[A-Za-z_]+")


class Tensor(NamedTuple):
    """One tensor of a model. part: base | adapter. elements: their number. norm: Frobenius norm."""

    name: str
    module: str
    part: str
    elements: int
    norm: float
    sha256: str


class ComparedTensor(NamedTuple):
    """A row of TENSORS: a tensor after training. moved: it differs from the one before."""

    name: str
    module: str
    part: str
    elements: int
    norm: float
    sha256: str
    moved: bool

    @property
    def kind(self) -> str:
        """Return the last part of the module's name, such as q_proj."""
        return self.module.rpartition(".")[2]


class Agreement(NamedTuple):
    """How much two models' next-token distributions agree, over the learned tokens of some rows.

    kl: mean KL divergence in nats. same_top: share of positions with the same most likely token.
    tokens: number of positions.
    """

    kl: float
    same_top: float
    tokens: int


def load(student: StudentSpec, *, precision: str, attention: str = "sdpa") -> Any:
    """Return the base model, on the GPU if there is one. precision: bf16 or fp32."""
    return load_model(student, half=precision == "bf16", attn_implementation=attention)


def load_adapter(model: Any, checkpoint: Path) -> None:
    """Load a checkpoint's adapter into a model that has an adapter of the same shape."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors"))


def lora_config(rank: int, alpha: int, dropout: float, targets: Sequence[str]) -> Any:
    """Return the settings of an adapter for PEFT."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=list(targets),
        task_type="CAUSAL_LM",
    )


def attention(wanted: str) -> str:
    """Return the attention to use; for "auto", the fastest one that is installed."""
    from transformers.utils import is_flash_attn_2_available

    if wanted != "auto":
        return wanted
    return "flash_attention_2" if is_flash_attn_2_available() else "sdpa"


def on_gpu() -> bool:
    """Return whether there is a GPU for training."""
    import torch

    return bool(torch.cuda.is_available())


def flops_per_second() -> float:
    """Return the measured speed of bfloat16 matrix products on this machine, in FLOP per second:
    the best of several products of 4096 x 4096 (2048 on a CPU).
    """
    import torch

    side, device = (4096, "cuda") if torch.cuda.is_available() else (2048, "cpu")
    left, right = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * side**3 / min(_seconds(lambda: left @ right) for _ in range(8))


def _seconds(work: Any) -> float:
    import time

    import torch

    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def peak_bytes() -> int:
    """Return the largest GPU memory that tensors of this process used, 0 without a GPU."""
    import torch

    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0


def tensors(model: Any) -> dict[str, Tensor]:
    """Return name → tensor of a model, with or without an adapter, with the names of the model
    without one.
    """
    import torch

    found = {}
    for wrapped, value in model.state_dict().items():
        name = _WRAPPING.sub("", wrapped)
        raw = value.detach().contiguous().cpu()
        sha = hashlib.sha256(memoryview(raw.reshape(-1).view(torch.uint8).numpy())).hexdigest()
        part = "adapter" if _ADAPTER.search(name) else "base"
        module = _ADAPTER.split(name)[0] if part == "adapter" else name.rpartition(".")[0]
        norm = float(torch.linalg.vector_norm(raw.float()))
        found[name] = Tensor(name, module, part, raw.numel(), norm, sha)
    return found


def compared(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[ComparedTensor]:
    """Return the tensors after training, each with whether it is new or changed."""
    old = {name: one.sha256 for name, one in before.items()}
    return [ComparedTensor(*one, moved=old.get(name) != one.sha256) for name, one in after.items()]


def isolation(
    before: dict[str, Tensor], after: dict[str, Tensor], targets: Sequence[str]
) -> list[ComparedTensor]:
    """Return the rows of TENSORS.

    Raises BaseMoved if a base tensor changed, a module outside the targets has an adapter, or an
    adapter did not change. One changed factor of an adapter is enough, because the first factor
    changes only after the second has left zero.
    """
    table = compared(before, after)
    base = [one for one in table if one.part == "base"]
    adapted = {one.module for one in table if one.part == "adapter"}
    changed = sorted(one.name for one in base if one.moved)
    changed += sorted(before.keys() - after.keys())
    targeted = {one.module for one in base if one.kind in targets}
    unchanged = adapted - {one.module for one in table if one.moved}
    _refuse("base tensors changed", changed, targets)
    _refuse("modules adapted", sorted(adapted ^ targeted), targets)
    _refuse("adapters that did not move", sorted(unchanged), targets)
    return table


def _refuse(what: str, names: Sequence[str], targets: Sequence[str]) -> None:
    if names:
        raise BaseMoved(
            f"isolation check: {what}: {', '.join(names[:5])} ({len(names)} in all); "
            f"only {', '.join(targets)} may be trained"
        )


def merged(student: StudentSpec, adapter: Path) -> Any:
    """Return the base model with the adapter merged in fp32, so that it is rounded only once, when
    it is saved.
    """
    from peft import PeftModel

    base = load(student, precision="fp32")
    return PeftModel.from_pretrained(base, str(adapter)).merge_and_unload(safe_merge=True)


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model as bfloat16 safetensors, with its generation config, its tokenizer and chat
    template.
    """
    import torch

    model.to(torch.bfloat16).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    for path in folder.iterdir():
        path.chmod(0o644)


def agreement(
    student: StudentSpec, adapter: Path, folder: Path, rows: Sequence[tuple[list[int], list[bool]]]
) -> Agreement:
    """Return how much the merged model in the folder agrees with base model plus adapter, both in
    bfloat16 as they are served.

    rows: (input_ids, loss_mask) of some examples. Their learned tokens are compared.
    """
    from peft import PeftModel

    adapted = PeftModel.from_pretrained(load(student, precision="bf16"), str(adapter))
    whole = load(StudentSpec(model=str(folder)), precision="bf16")
    return _agreement(zip(_log_probs(adapted, rows), _log_probs(whole, rows), strict=True))


def _log_probs(model: Any, rows: Sequence[tuple[list[int], list[bool]]]) -> Iterator[Any]:
    """Yield (learned tokens, vocabulary) log-probabilities, one row at a time."""
    import torch

    model.eval()
    for ids, mask in rows:
        with torch.no_grad():
            logits = model(torch.tensor([ids], device=model.device)).logits[0].float()
        # The distribution at a position predicts the token after it.
        yield torch.log_softmax(logits[:-1][torch.tensor(mask[1:])], dim=-1)


def _agreement(pairs: Iterator[tuple[Any, Any]]) -> Agreement:
    kl = same = total = 0.0
    for adapted, whole in pairs:
        kl += float((adapted.exp() * (adapted - whole)).sum())
        same += float((adapted.argmax(-1) == whole.argmax(-1)).sum())
        total += len(adapted)
    return Agreement(kl / max(total, 1), same / max(total, 1), int(total))


def name_base(adapter: Path, model: str) -> None:
    """Write the base model's name into an adapter's config, in place of its path on this
    machine.
    """
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_bytes()) | {"base_model_name_or_path": model}
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
