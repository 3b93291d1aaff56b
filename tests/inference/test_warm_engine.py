"""One loaded engine serves teacher, judge, base model and student."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tasks.errors import BadRecipe
from tasks.inference.complete import complete
from tasks.inference.engine import Adapter, Ask, EnginePlacement, TeacherSpec
from tasks.inference.models import POCKET
from tasks.inference.warm import WARM
from tasks.sources.problems import draw
from tests.support.builders import silent

pytestmark = pytest.mark.vllm
RANK = 4
SPOKEN = TeacherSpec(max_tokens=120)
GREEDY = SPOKEN.model_copy(update={"temperature": 0.0, "max_tokens": 60})
ASKED = [
    Ask(f"k{number}", ({"role": "user", "content": draw("addition", number).prompt},), seed=number)
    for number in range(4)
]


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    import ray

    with WARM:
        yield
    ray.shutdown()


def adapter(folder: Path) -> Adapter:
    """Return an adapter whose weights change what the model says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(str(POCKET), dtype=torch.bfloat16)
    config = LoraConfig(r=RANK, lora_alpha=64, target_modules=["q_proj", "v_proj"])
    model = get_peft_model(base, config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(str(folder))
    return Adapter(folder, "0123456789abcdef")


def said(
    journals: Path,
    teacher: TeacherSpec,
    placement: EnginePlacement,
    *,
    asks: Sequence[Ask] = ASKED,
    over: Adapter | None = None,
) -> list[str]:
    with complete(
        lambda: asks,
        teacher,
        placement=placement,
        journals=journals,
        progress=silent,
        adapter=over,
    ) as given:
        return [given[ask.key].text for ask in asks]


def test_one_start_serves_every_sampling_and_every_adapter_and_changes_no_answer(
    tmp_path: Path,
) -> None:
    student, roomy = adapter(tmp_path / "adapter"), EnginePlacement(adapter_rank=RANK)
    before = WARM.loads
    WARM.begin(SPOKEN, roomy)
    first = said(tmp_path / "a", SPOKEN, roomy)
    greedy = said(tmp_path / "a", GREEDY, EnginePlacement(window=2))
    taught = said(tmp_path / "a", SPOKEN, roomy, over=student)
    begun = [ask._replace(key=f"{ask.key}-p", prefill="<think>\nI know it:") for ask in ASKED]
    said(tmp_path / "a", GREEDY, roomy, asks=begun)
    assert WARM.loads == before + 1
    assert first not in (greedy, taught)
    assert said(tmp_path / "a", SPOKEN, roomy) == first, "found in the journal"
    WARM.release()
    WARM.begin(SPOKEN.model_copy(update={"model": str(tmp_path / "none")}), roomy)
    with pytest.raises(BadRecipe, match="could not be loaded"):
        said(tmp_path / "b", SPOKEN, EnginePlacement())
    assert said(tmp_path / "b", SPOKEN, EnginePlacement()) == first
    assert said(tmp_path / "b", GREEDY, EnginePlacement()) == greedy
    assert WARM.loads == before + 3
