"""The student's weights: loaded, told apart tensor by tensor, merged. The one module of the room
that knows torch.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tasks.errors import BaseMoved
from tasks.inference.models import quiet_transformers, resolve
from tasks.train.examples import StudentSpec

_WRAPPING = re.compile(r"^base_model\.model\.|\.base_layer(?=\.)|\.default(?=\.|$)")
_ADAPTER = re.compile(r"\.lora_[A-Za-z_]+")


class Tensor(NamedTuple):
    """One tensor of a model. part: base | adapter. norm: Frobenius."""

    name: str
    module: str
    part: str
    elements: int
    norm: float
    sha256: str


class Agreement(NamedTuple):
    """How near two models' next-token distributions are over the learnt tokens of some rows.

    kl: mean KL divergence in nats. same_top: share of positions with the same likeliest token.
    tokens: positions compared.
    """

    kl: float
    same_top: float
    tokens: int


def load(student: StudentSpec, *, precision: str, attention: str = "sdpa") -> Any:
    """Return the base model on the GPU where there is one. precision: bf16 or fp32."""
    import torch
    from transformers import AutoModelForCausalLM

    quiet_transformers()
    model = AutoModelForCausalLM.from_pretrained(
        resolve(student.model),
        revision=student.revision or None,
        trust_remote_code=student.trust_remote_code,
        use_safetensors=True,
        dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        attn_implementation=attention,
    )
    return model.to("cuda" if torch.cuda.is_available() else "cpu")


def lay_over(model: Any, checkpoint: Path) -> None:
    """Put a checkpoint's adapter into a model that carries one of the same shape."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    set_peft_model_state_dict(model, load_file(checkpoint / "adapter_model.safetensors"))


def lora_config(rank: int, alpha: int, dropout: float, targets: Sequence[str]) -> Any:
    """Return PEFT's settings of an adapter."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=list(targets),
        task_type="CAUSAL_LM",
    )


def attention(wanted: str) -> str:
    """Return the attention that is to be used: the fastest that is installed where auto is wanted."""
    from transformers.utils import is_flash_attn_2_available

    if wanted != "auto":
        return wanted
    return "flash_attention_2" if is_flash_attn_2_available() else "sdpa"


def on_gpu() -> bool:
    """Whether there is a GPU to train on."""
    import torch

    return bool(torch.cuda.is_available())


def flops_per_second() -> float:
    """Return what this machine's bfloat16 matrix products reach: the best of a few products of 4096
    x 4096 (2048 on a CPU), measured.
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
    """Return the most GPU memory that tensors of this process took, 0 without a GPU."""
    import torch

    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0


def tensors(model: Any) -> dict[str, Tensor]:
    """Return every tensor of a model, plain or wrapped by an adapter, under the name it has in the
    plain one.
    """
    import torch

    found = {}
    for wrapped, value in model.state_dict().items():
        name = _WRAPPING.sub("", wrapped)
        raw = value.detach().contiguous().cpu()
        sha = hashlib.sha256(memoryview(raw.reshape(-1).view(torch.uint8).numpy())).hexdigest()
        part = "adapter" if _ADAPTER.search(name) else "base"
        module = _ADAPTER.split(name)[0] if part == "adapter" else name.rpartition(".")[0]
        found[name] = Tensor(
            name, module, part, raw.numel(), float(torch.linalg.vector_norm(raw.float())), sha
        )
    return found


def isolation(
    before: dict[str, Tensor], after: dict[str, Tensor], targets: Sequence[str]
) -> list[dict[str, object]]:
    """Return TENSORS; BaseMoved when a base tensor changed, a module outside the targets has an
    adapter, or one inside did not move.

    One factor of an adapter is enough: the first one moves only after the second has left zero.
    """
    moved = {
        name
        for name, one in after.items()
        if name not in before or before[name].sha256 != one.sha256
    }
    changed = sorted(name for name in moved if after[name].part == "base") + sorted(
        before.keys() - after.keys()
    )
    adapted = {one.module for one in after.values() if one.part == "adapter"}
    due = {
        one.module
        for one in after.values()
        if one.part == "base" and one.module.rpartition(".")[2] in targets
    }
    still = sorted(adapted - {one.module for name, one in after.items() if name in moved})
    for what, names in (
        ("base tensors changed", changed),
        ("modules adapted", sorted(adapted ^ due)),
        ("adapters that did not move", still),
    ):
        if names:
            raise BaseMoved(
                f"isolation check: {what}: {', '.join(names[:5])} ({len(names)} in all); due: only {', '.join(targets)} learn"
            )
    return [one._asdict() | {"moved": one.name in moved} for one in after.values()]


def merged(student: StudentSpec, adapter: Path) -> Any:
    """Return the base with the adapter added in, in fp32: rounded once when it is saved, not twice."""
    from peft import PeftModel

    return PeftModel.from_pretrained(
        load(student, precision="fp32"), str(adapter)
    ).merge_and_unload(safe_merge=True)


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model as bfloat16 safetensors with its generation config, and its tokenizer with the
    chat template.
    """
    import torch

    model.to(torch.bfloat16).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    for path in folder.iterdir():
        path.chmod(0o644)


def agreement(
    student: StudentSpec, adapter: Path, folder: Path, rows: Sequence[tuple[list[int], list[bool]]]
) -> Agreement:
    """Return how near the merged model in the folder is to base and adapter apart, both as they are
    served, in bfloat16.

    rows: (input_ids, loss_mask) of some examples; their learnt tokens are compared.
    """
    from peft import PeftModel

    apart = PeftModel.from_pretrained(load(student, precision="bf16"), str(adapter))
    whole = load(StudentSpec(model=str(folder)), precision="bf16")
    return _agreement(zip(_log_probs(apart, rows), _log_probs(whole, rows), strict=True))


def _log_probs(model: Any, rows: Sequence[tuple[list[int], list[bool]]]) -> Iterator[Any]:
    """Yield (learnt tokens, vocabulary) log-probabilities, a row at a time."""
    import torch

    model.eval()
    for ids, mask in rows:
        with torch.no_grad():
            logits = model(torch.tensor([ids], device=model.device)).logits[0].float()
        # The distribution at a position is of the token that follows it.
        yield torch.log_softmax(logits[:-1][torch.tensor(mask[1:])], dim=-1)


def _agreement(pairs: Iterator[tuple[Any, Any]]) -> Agreement:
    kl = same = total = 0.0
    for apart, whole in pairs:
        kl += float((apart.exp() * (apart - whole)).sum())
        same += float((apart.argmax(-1) == whole.argmax(-1)).sum())
        total += len(apart)
    return Agreement(kl / max(total, 1), same / max(total, 1), int(total))


def name_base(adapter: Path, model: str) -> None:
    """Write the base's name, not its place on this machine, into an adapter's config."""
    path = adapter / "adapter_config.json"
    config = json.loads(path.read_bytes()) | {"base_model_name_or_path": model}
    path.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
