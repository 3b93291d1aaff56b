"""One row asked alone, without an engine: the smallest thing that still shows a fault, with every
token in sight.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.inference.chat import opened_think, prompt_tokens
from tasks.inference.complete import ask_once
from tasks.inference.control import control_of
from tasks.inference.engine import Adapter, Ask, EnginePlacement, Message, TeacherSpec
from tasks.inference.models import quiet_transformers, resolve
from tasks.inference.scoring import NO_TOKENS, Scored, Text, Tokens, faulty, text_tokens


@dataclass(frozen=True)
class Reproduced:
    """One answer. shown: the raw output, special tokens included. text: as an engine would hand it
    over.

    recorded_nats: mean negative log-likelihood, nats a token, of an answer given earlier; None when
    there was none. A small one says that this model did write it.
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


def alone(
    ask: Ask,
    teacher: TeacherSpec,
    placement: EnginePlacement,
    adapter: Adapter | None,
    *,
    recorded: str = "",
) -> Reproduced:
    """Return the model's answer to one row. A model that is not here but behind an endpoint is
    asked there, and shows no ids.
    """
    if teacher.engine == "vllm":
        return by_weights(ask.messages, teacher, adapter, seed=ask.seed, recorded=recorded)
    started = time.perf_counter()
    (given,) = ask_once([ask], teacher, placement)
    prompt = "\n\n".join(f"{message['role']}: {message['content']}" for message in ask.messages)
    return Reproduced(
        prompt,
        (),
        given.text,
        given.text,
        (),
        given.finish_reason,
        0.0,
        time.perf_counter() - started,
        None,
        given.parsed,
    )


def by_weights(
    messages: Sequence[Message],
    teacher: TeacherSpec,
    adapter: Adapter | None,
    *,
    seed: int,
    recorded: str = "",
) -> Reproduced:
    """Return the answer of weights at hand, by transformers in this process: seconds where an
    engine takes a minute to start.

    Same template, weights and settings as the engine's; another implementation of sampling, so a
    sampled text differs from the engine's.
    """
    import torch
    from transformers import AutoTokenizer

    quiet_transformers()
    started = time.perf_counter()
    tokenizer = AutoTokenizer.from_pretrained(
        resolve(teacher.model),
        revision=teacher.revision or None,
        trust_remote_code=teacher.trust_remote_code,
    )
    model = _load(teacher, adapter)
    loaded = time.perf_counter()
    ids = prompt_tokens(tokenizer, messages)
    asked = torch.tensor([ids], device=model.device)
    torch.manual_seed(seed)
    with torch.no_grad():
        given = model.generate(
            asked,
            attention_mask=torch.ones_like(asked),
            max_new_tokens=teacher.max_tokens,
            **_sampling(teacher),
        )
    output = given[0][len(ids) :].tolist()
    ended = time.perf_counter()
    opened = opened_think(tokenizer, ids)
    return Reproduced(
        prompt=tokenizer.decode(ids),
        prompt_ids=tuple(ids),
        shown=tokenizer.decode(output, skip_special_tokens=False),
        text=opened + control_of(tokenizer).spoken(_without_end(tokenizer, output)),
        output_ids=tuple(output),
        finish_reason="length" if len(output) >= teacher.max_tokens else "stop",
        load_seconds=loaded - started,
        seconds=ended - loaded,
        recorded_nats=_nats(model, tokenizer, messages, recorded) if recorded else None,
    )


def by_transformers(model: Any, tokens: Tokens, text: Text) -> Scored:
    """Return a text's scores by one forward pass of a transformers model, one row at a time.

    model: a causal language model in evaluation mode; the logits become float32 before the softmax.
    """
    import torch

    if not tokens.text:
        return faulty(text.key, NO_TOKENS, len(tokens.prompt))
    ids = torch.tensor([[*tokens.prompt, *tokens.text]], device=model.device)
    with torch.no_grad():
        logits = model(ids).logits[0, len(tokens.prompt) - 1 : -1].float()
    likely = torch.log_softmax(logits, dim=-1)
    own = likely.gather(1, ids[0, len(tokens.prompt) :, None])[:, 0]
    best = likely.topk(text.top, dim=-1)
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
    """Return the text of an answer, special tokens included, without the token that ended it."""
    ended = bool(output) and output[-1] == tokenizer.eos_token_id
    return str(tokenizer.decode(output[:-1] if ended else output, skip_special_tokens=False))


def _load(teacher: TeacherSpec, adapter: Adapter | None) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    gpu = torch.cuda.is_available()
    model = AutoModelForCausalLM.from_pretrained(
        resolve(teacher.model),
        revision=teacher.revision or None,
        trust_remote_code=teacher.trust_remote_code,
        use_safetensors=True,
        dtype=torch.bfloat16 if gpu else torch.float32,
    )
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter.path)).merge_and_unload()
    return model.to("cuda" if gpu else "cpu").eval()


def _sampling(teacher: TeacherSpec) -> dict[str, object]:
    if teacher.temperature == 0:
        return {"do_sample": False}
    return {
        "do_sample": True,
        "temperature": teacher.temperature,
        "top_p": teacher.top_p,
        "top_k": 0,
    }


def _nats(model: Any, tokenizer: Any, messages: Sequence[Message], text: str) -> float:
    """Return the mean negative log-likelihood of a text behind a prompt."""
    asked = Text("", tuple(messages), text)
    return -float(by_transformers(model, text_tokens(tokenizer, asked), asked).nats.mean())
