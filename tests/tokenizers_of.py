"""Small tokenizers in the shapes of the models people train: the pocket teacher's vocabulary, another family's template and special tokens."""

from importlib import resources
from typing import Any

from tasks.inference.models import POCKET
from tasks.train.encode import Template

R1 = (
    "deepseek_r1_distill",
    "<｜end▁of▁sentence｜>",
    "<｜begin▁of▁sentence｜>",
    ("<｜User｜>", "<｜Assistant｜>"),
)
QWEN3 = ("qwen3", "<|im_end|>", None, ("<|im_start|>",))
GPT_OSS = (
    "gptoss",
    "<|return|>",
    "<|startoftext|>",
    ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|call|>"),
)
Shape = tuple[str, str, str | None, tuple[str, ...]]


def shaped(
    shape: Shape, *, stops: tuple[str, ...] = (), template: str = "", **changes: Any
) -> Template:
    """Return a template of that shape. stops: tokens at which generation ends, the end-of-text token when none is given."""
    from transformers import PreTrainedTokenizerFast

    name, eos, bos, special = shape
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(POCKET / "tokenizer.json"),
        eos_token=eos,
        bos_token=bos,
        pad_token="<|endoftext|>",
        **changes,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    tokenizer.chat_template = template or resources.files("trl").joinpath(
        f"chat_templates/{name}.jinja"
    ).read_text(encoding="utf-8")
    return Template(tokenizer, frozenset(tokenizer.convert_tokens_to_ids(list(stops or (eos,)))))
