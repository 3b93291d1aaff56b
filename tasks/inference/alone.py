"""One answer from a model, without starting an engine: its token ids and special tokens show."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.inference.chat import opened_think, prompt_tokens
from tasks.inference.checkpoint import load_model, load_tokenizer
from tasks.inference.complete import ask_once
from tasks.inference.control import control_of
from tasks.inference.engine import Adapter, Ask, EnginePlacement, Message, TeacherSpec
from tasks.inference.models import quiet_transformers
from tasks.inference.scoring import NO_TOKENS, Scored, Text, Tokens, faulty, text_tokens


@dataclass(frozen=True)
class SingleAnswer:
    """One answer of a model.

    shown: the raw output with its special tokens. text: the output as an engine returns it.
    recorded_nats: mean negative log-likelihood, in nats per token, of an earlier answer to the same
    prompt; None without one. A small value means that this model probably wrote that answer.
    """

    prompt: str
    prompt_ids: tuple[int, ...]
    shown: str
    text: str
    output_ids: tuple[int, ...]
    finish_reason: str
    load_seconds: float
    seconds: float
    recorded_nats: float | None
    parsed: bool = False


def answer_alone(
    ask: Ask,
    teacher: TeacherSpec,
    placement: EnginePlacement,
    adapter: Adapter | None,
    *,
    recorded: str = "",
) -> SingleAnswer:
    """Return the model's answer to one request.

    A model of the vllm engine is loaded with transformers. An endpoint and the scripted engine are
    asked as usual; their answers come without token ids. recorded: an earlier answer to score.
    """
    if teacher.engine == "vllm":
        return answer_with_transformers(
            ask.messages, teacher, adapter, seed=ask.seed, recorded=recorded
        )
    started = time.perf_counter()
    (completion,) = ask_once([ask], teacher, placement)
    return SingleAnswer(
        prompt="\n\n".join(f"{turn['role']}: {turn['content']}" for turn in ask.messages),
        prompt_ids=(),
        shown=completion.text,
        text=completion.text,
        output_ids=(),
        finish_reason=completion.finish_reason,
        load_seconds=0.0,
        seconds=time.perf_counter() - started,
        recorded_nats=None,
        parsed=completion.parsed,
    )


def answer_with_transformers(
    messages: Sequence[Message],
    teacher: TeacherSpec,
    adapter: Adapter | None,
    *,
    seed: int,
    recorded: str = "",
) -> SingleAnswer:
    """Return the answer of a local model, generated with transformers in this process.

    It starts in seconds; an engine takes about a minute. Chat template, weights and settings are
    the engine's. Sampling is implemented differently, so a sampled text differs from the engine's.
    """
    import torch

    quiet_transformers()
    started = time.perf_counter()
    tokenizer = load_tokenizer(teacher)
    model = _load(teacher, adapter)
    loaded = time.perf_counter()
    ids = prompt_tokens(tokenizer, messages)
    prompt = torch.tensor([ids], device=model.device)
    torch.manual_seed(seed)
    with torch.no_grad():
        generated = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=teacher.max_tokens,
            **_sampling(teacher),
        )
    output = generated[0][len(ids) :].tolist()
    ended = time.perf_counter()
    opened = opened_think(tokenizer, ids)
    return SingleAnswer(
        prompt=tokenizer.decode(ids),
        prompt_ids=tuple(ids),
        shown=tokenizer.decode(output, skip_special_tokens=False),
        text=opened + control_of(tokenizer).visible(_without_end(tokenizer, output)),
        output_ids=tuple(output),
        finish_reason="length" if len(output) >= teacher.max_tokens else "stop",
        load_seconds=loaded - started,
        seconds=ended - loaded,
        recorded_nats=_mean_nats(model, tokenizer, messages, recorded) if recorded else None,
    )


def score_with_transformers(model: Any, tokens: Tokens, text: Text) -> Scored:
    """Return the scores of one text, from one forward pass of a transformers model.

    model: a causal language model in evaluation mode. The logits become float32 before the softmax.
    """
    import torch

    if not tokens.text:
        return faulty(text.key, NO_TOKENS, len(tokens.prompt))
    ids = torch.tensor([[*tokens.prompt, *tokens.text]], device=model.device)
    with torch.no_grad():
        logits = model(ids).logits[0, len(tokens.prompt) - 1 : -1].float()
    nats = torch.log_softmax(logits, dim=-1)
    own = nats.gather(1, ids[0, len(tokens.prompt) :, None])[:, 0]
    best = nats.topk(text.top, dim=-1)
    return Scored(
        text.key,
        len(tokens.prompt),
        np.array(tokens.text, np.int32),
        np.array(tokens.ends, np.int32),
        own.cpu().numpy(),
        best.indices.to(torch.int32).cpu().numpy(),
        best.values.cpu().numpy(),
    )


def _without_end(tokenizer: Any, output: Sequence[int]) -> str:
    """Return the text of an answer with its special tokens, without a final end-of-text token."""
    ended = bool(output) and output[-1] == tokenizer.eos_token_id
    return str(tokenizer.decode(output[:-1] if ended else output, skip_special_tokens=False))


def _load(teacher: TeacherSpec, adapter: Adapter | None) -> Any:
    import torch

    model = load_model(teacher, half=torch.cuda.is_available())
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter.path)).merge_and_unload()
    return model.eval()


def _sampling(teacher: TeacherSpec) -> dict[str, object]:
    if teacher.temperature == 0:
        return {"do_sample": False}
    return {
        "do_sample": True,
        "temperature": teacher.temperature,
        "top_p": teacher.top_p,
        "top_k": 0,
    }


def _mean_nats(model: Any, tokenizer: Any, messages: Sequence[Message], text: str) -> float:
    """Return the mean negative log-likelihood of a text after a prompt, in nats per token."""
    asked = Text("", tuple(messages), text)
    scores = score_with_transformers(model, text_tokens(tokenizer, asked), asked)
    return -float(scores.nats.mean())
