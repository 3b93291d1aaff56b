"""Small tokenizers in the shapes of the models people train: the pocket teacher's vocabulary,
another family's template and special tokens.
"""

from importlib import resources
from typing import Any, NamedTuple

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
SMOLLM2 = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n{% endif %}"
    "{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML = "{% for m in messages %}" + SMOLLM2[SMOLLM2.index("{{ '<|im_start|>'") :]
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }}[/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)


class Trained(NamedTuple):
    """A model family as it is published: its tokens, where its generation stops, its template.

    template: its text; "" for the one that TRL ships under the shape's name.
    """

    shape: Shape
    stops: tuple[str, ...] = ()
    template: str = ""


_LLAMA = ("<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>", "<|eom_id|>")
_GEMMA = ("<start_of_turn>", "<end_of_turn>")
_PHI = ("<|user|>", "<|assistant|>", "<|system|>", "<|end|>")
_GLM = ("[gMASK]", "<sop>", "<|user|>", "<|assistant|>", "<|observation|>")
_COHERE = ("<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|SYSTEM_TOKEN|>")
_QWEN = ("<|im_end|>", "<|endoftext|>")
FAMILIES = {
    "qwen2.5": Trained(("qwen2_5", "<|im_end|>", None, ("<|im_start|>",)), _QWEN),
    "qwen3": Trained(QWEN3, _QWEN),
    "llama3": Trained(
        ("llama3", "<|eot_id|>", "<|begin_of_text|>", _LLAMA),
        ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
    ),
    "llama3.2": Trained(("llama3_2", "<|eot_id|>", "<|begin_of_text|>", _LLAMA), ("<|eot_id|>",)),
    "gemma2": Trained(("gemma", "<eos>", "<bos>", _GEMMA), ("<eos>", "<end_of_turn>")),
    "gemma3": Trained(("gemma3", "<eos>", "<bos>", _GEMMA), ("<eos>", "<end_of_turn>")),
    "gemma4": Trained(
        ("gemma4_v5", "<eos>", "<bos>", ("<|turn>", "<turn|>", "<|channel>", "<channel|>")),
        ("<eos>", "<turn|>"),
    ),
    "mistral": Trained(("mistral", "</s>", "<s>", ("[INST]", "[/INST]")), template=MISTRAL),
    "phi3": Trained(
        ("phi3", "<|endoftext|>", "<s>", _PHI), ("<|endoftext|>", "<|assistant|>", "<|end|>")
    ),
    "deepseek r1": Trained(R1),
    "deepseek v3": Trained(("deepseekv3", *R1[1:])),
    "gpt-oss": Trained(GPT_OSS, ("<|return|>", "<|endoftext|>", "<|call|>")),
    "glm4": Trained(
        ("glm4moe", "<|endoftext|>", None, _GLM), ("<|endoftext|>", "<|user|>", "<|observation|>")
    ),
    "command r7b": Trained(("cohere2", "<|END_OF_TURN_TOKEN|>", "<BOS_TOKEN>", _COHERE)),
    "lfm2.5": Trained(
        ("lfm2_2_5_v2", "<|im_end|>", "<|startoftext|>", ("<|im_start|>", "<think>"))
    ),
    "nemotron 3": Trained(("nemotron_3_nano", "<|im_end|>", "<s>", ("<|im_start|>", "</s>"))),
    "smollm2": Trained(("smollm2", "<|im_end|>", "<|im_start|>", ()), template=SMOLLM2),
    "chatml": Trained(("chatml", "<|im_end|>", "<|im_start|>", ()), template=CHATML),
}
"""The families that people train most, and those whose turns open or end in their own way."""


def shaped(
    shape: Shape, *, stops: tuple[str, ...] = (), template: str = "", **changes: Any
) -> Template:
    """Return a template of that shape. stops: tokens at which generation ends, the end-of-text
    token when none is given.
    """
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


def trained(name: str, *, template: str = "") -> Template:
    """Return the template of a family, or this one with the family's tokens."""
    family = FAMILIES[name]
    return shaped(family.shape, stops=family.stops, template=template or family.template)
