"""Control tokens of the common model families, for models without a local tokenizer."""

import re
from typing import NamedTuple

BARRED = r"<\|[^\s<>|]{1,60}\|>|<｜[^\s<>｜]{1,60}｜>"
"""Pattern of most families' special tokens: `<|im_end|>`, `<｜User｜>`."""
SHAPES = rf"{BARRED}|<\|[a-z_]{{2,20}}>|<[a-z_]{{2,20}}\|>"
"""Pattern of BARRED and of the one-sided form: `<|turn>`, `<turn|>`."""
COMMON = ("<think>", "</think>", "<s>", "</s>", "<unk>", "<pad>")
TOOLS = "<tools> </tools> <tool_call> </tool_call> <tool_response> </tool_response>"
INSTRUCTION = "[INST] [/INST] <<SYS>> <</SYS>>"


class Family(NamedTuple):
    """A family of models with the same control tokens.

    names: a pattern that is found in their lower-case names. spelt: the control tokens that SHAPES
    does not match, separated by spaces.
    """

    name: str
    names: str
    spelt: str = ""

    @property
    def tokens(self) -> list[str]:
        """The control tokens that SHAPES does not match, as a list."""
        return self.spelt.split()


FAMILIES = (
    Family("deepseek", r"deepseek|(?<![a-z])r1(?![a-z0-9])"),
    Family("qwen", r"qwen|qwq|qvq", TOOLS),
    Family("gpt-oss", r"gpt-?oss"),
    Family(
        "mistral",
        r"mistral|mixtral|magistral|ministral|codestral|devstral|pixtral",
        f"{INSTRUCTION} [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] "
        "[TOOL_CALLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CONTENT] [ARGS] [CALL_ID] [THINK] "
        "[/THINK] [IMG] [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX]",
    ),
    Family(
        "nemotron",
        r"nemotron",
        f"{TOOLS} {INSTRUCTION} <SPECIAL_10> <SPECIAL_11> <SPECIAL_12> <extra_id_0> <extra_id_1>",
    ),
    Family("llama", r"llama|tulu", INSTRUCTION),
    Family(
        "gemma",
        r"gemma",
        "<bos> <eos> <mask> <start_of_turn> <end_of_turn> <start_of_image> <end_of_image> "
        "<image_soft_token>",
    ),
    Family("phi", r"(?<![a-z])phi(?![a-z])"),
    Family(
        "glm",
        r"glm",
        f"{TOOLS} [gMASK] [sMASK] [MASK] <sop> <eop> <arg_key> </arg_key> <arg_value> </arg_value>",
    ),
    Family(
        "command",
        r"command|cohere|(?<![a-z])aya(?![a-z])",
        "<BOS_TOKEN> <EOS_TOKEN> <PAD_TOKEN> <UNK_TOKEN> <MASK_TOKEN>",
    ),
    Family("granite", r"granite", TOOLS),
    Family("kimi", r"kimi|moonlight", "[BOS] [EOS] [EOT] [PAD] [UNK]"),
    Family(
        "exaone",
        r"exaone",
        "[|system|] [|user|] [|assistant|] [|tool|] [|endofturn|] [BOS] [EOS] [PAD]",
    ),
    Family(
        "chatml",
        r"smollm|smolvlm|lfm|hermes|dolphin|internlm|(?<![a-z])yi(?![a-z])|minicpm|olmo|pocket",
        f"{TOOLS} <end_of_utterance>",
    ),
)
"""All known families; the first match counts. DeepSeek-R1-Distill-Qwen has DeepSeek's template, and
Llama-Nemotron counts as Nemotron.
"""


def family_of(model: str) -> Family | None:
    """Return the family of a model by its name; None for a name of no known family.

    >>> family_of("Qwen/Qwen3-8B").name
    'qwen'
    """
    name = model.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((family for family in FAMILIES if re.search(family.names, name)), None)
