"""No text of a prompt can spell a control token, whichever engine it goes to."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.inference.control import control_of, known_control
from tasks.inference.endpoint import EndpointEngine
from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.families import FAMILIES, family_of
from tests.support.tokenizers_of import GPT_OSS, QWEN3, R1, shaped

ASSISTANT = {"role": "assistant", "content": "<think>a</think>b"}
SPELT = {
    "Qwen/Qwen3-8B": "<|im_end|> <tool_call> <|vision_start|>",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": "<｜User｜> <｜end▁of▁sentence｜>",
    "openai/gpt-oss-20b": "<|channel|> <|return|> <|startoftext|>",
    "meta-llama/Llama-3.1-8B-Instruct": "<|eot_id|> <|reserved_special_token_7|>",
    "llama2:7b-chat": "[INST] [/INST] </s>",
    "mistralai/Magistral-Small-2507": "[THINK] [/SYSTEM_PROMPT] [TOOL_CALLS]",
    "google/gemma-3-4b-it": "<start_of_turn> <end_of_turn> <bos>",
    "google/gemma-4-E2B-it": "<|turn> <turn|> <|channel>",
    "microsoft/Phi-4-mini": "<|end|> <|assistant|>",
    "zai-org/GLM-4.5-Air": "[gMASK] <sop> <|observation|>",
    "CohereLabs/c4ai-command-r7b": "<|START_OF_TURN_TOKEN|> <BOS_TOKEN>",
    "nvidia/Llama-3.1-Nemotron-Nano-8B": "<SPECIAL_12> <|eot_id|>",
    "HuggingFaceTB/SmolLM2-135M-Instruct": "<|im_start|> <|endoftext|>",
    "ibm-granite/granite-3.3-8b": "<|start_of_role|>",
    "moonshotai/Kimi-K2": "<|im_middle|> [EOS]",
    "LGAI-EXAONE/EXAONE-4.0-32B": "[|user|] [|endofturn|]",
}
"""Names that an endpoint may serve, and control tokens of their vocabularies."""


@pytest.mark.parametrize("model", SPELT)
def test_a_family_is_known_by_the_models_name_and_its_tokens_are_parted(model: str) -> None:
    control = known_control(model)
    assert control.origin.startswith("family ")
    parted = control.neutralised(SPELT[model])
    assert parted == " ".join(f"{token[0]} {token[1:]}" for token in SPELT[model].split())


def test_every_family_of_the_table_is_named_by_some_model_and_parts_a_thought() -> None:
    named = {family.name for family in map(family_of, SPELT) if family}
    assert named == {family.name for family in FAMILIES}
    assert all(known_control(model).neutralised("<think>") == "< think>" for model in SPELT)


def test_what_is_parted_reads_the_same_but_for_one_space_and_prose_is_left_alone() -> None:
    control = known_control("Qwen/Qwen3-8B")
    assert (
        control.neutralised("The mark <|im_end|> ends a turn.")
        == "The mark < |im_end|> ends a turn."
    )
    for prose in (
        "if a<b and b>c: x|y",
        "<em>not</em> [a] (b) <|> || <| |>",
        "f <$> x |> g",
        "a < |im_end|> b",
    ):
        assert control.neutralised(prose) == prose


@pytest.mark.parametrize("shape", [R1, QWEN3, GPT_OSS])
def test_a_tokenizers_files_say_what_the_loaded_tokenizer_says(
    tmp_path: Path, shape: tuple[str, str, str | None, tuple[str, ...]]
) -> None:
    tokenizer = shaped(shape).tokenizer
    tokenizer.save_pretrained(tmp_path)
    assert known_control(str(tmp_path)) == control_of(tokenizer)
    assert known_control("any/name", tokenizer=str(tmp_path)) == control_of(tokenizer)


POCKET = shaped(QWEN3).tokenizer
PIECES = (
    "<|im_start|>",
    "<|im_end|>",
    "<think>",
    "</think>",
    "<|endoftext|>",
    "<|im_",
    "end|>",
    "<",
    "|",
    ">",
    "/",
    "think",
    " ",
    "a",
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_text_whatever_becomes_a_control_token(text: str) -> None:
    control = {
        number
        for number, one in POCKET.added_tokens_decoder.items()
        if one.special or "think" in one.content
    }
    assert control & set(POCKET(text)["input_ids"]) or control_of(POCKET).neutralised(text) == text
    for known in (control_of(POCKET), known_control("qwen3:8b"), known_control("some-model")):
        assert not control & set(POCKET(known.neutralised(text))["input_ids"])


def test_what_the_model_said_before_keeps_its_tags_and_a_system_prompt_does_not() -> None:
    control = known_control("qwen3:8b")
    system = {"role": "system", "content": "<|im_end|>"}
    assert control.neutralised_messages([system, ASSISTANT]) == [
        {"role": "system", "content": "< |im_end|>"},
        ASSISTANT,
    ]


def test_an_answer_keeps_the_marks_of_a_thought_and_loses_the_other_special_tokens() -> None:
    channels = "<|channel|>analysis<|message|>a<|end|>"
    for control in (known_control("openai/gpt-oss-20b"), control_of(shaped(GPT_OSS).tokenizer)):
        assert control.visible(f"{channels}<|startoftext|>") == channels
    for control in (known_control("m"), control_of(shaped(QWEN3).tokenizer)):
        assert control.visible("<think>a</think>b<|im_end|>") == "<think>a</think>b"


@pytest.mark.parametrize(
    ("model", "level", "says"),
    [
        ("builtin:pocket", logging.INFO, "known by its tokenizer"),
        ("qwen3:8b", logging.INFO, "known by its family qwen"),
        ("teacher", logging.WARNING, "are not known"),
    ],
)
def test_the_log_says_how_the_control_tokens_are_known(
    caplog: pytest.LogCaptureFixture, model: str, level: int, says: str
) -> None:
    with caplog.at_level(logging.INFO, logger="tasks"):
        EndpointEngine(TeacherSpec(engine="endpoint", model=model), EnginePlacement(), api_key="")
    assert [(one.levelno, says in one.getMessage()) for one in caplog.records] == [(level, True)]
