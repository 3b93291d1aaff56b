"""An engine that runs vLLM in this process."""

import os
from collections.abc import Mapping
from typing import Any

from tasks.inference.chat import opened_think, request_tokens
from tasks.inference.control import control_of
from tasks.inference.engine import (
    Adapter,
    Ask,
    Completion,
    EnginePlacement,
    Sampling,
    TeacherSpec,
    sampling_of,
)
from tasks.inference.memory import memory_share, tightest
from tasks.inference.models import resolve

os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
# An engine talks only to its own workers. Without this address vLLM finds one by connecting to a
# public server.
os.environ.setdefault("VLLM_HOST_IP", "127.0.0.1")


class OfflineEngine:
    """An asynchronous vLLM engine; many requests can be in flight.

    Prompts are sent as token ids, so that a prompt that is too long is known before it is sent.
    """

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement) -> None:
        arguments = engine_arguments(spec, placement) | lora_arguments(placement.adapter_rank)
        self._sampling = sampling_of(spec)
        self._engine = started(arguments, placement)
        self._tokenizer = self._engine.get_tokenizer()
        self._control = control_of(self._tokenizer)
        self._adapters: dict[str, int] = {}

    async def ask(self, ask: Ask) -> Completion:
        """Return the answer. Raises EngineDeadError of vLLM if the engine has died."""
        own = ask.sampling or self._sampling
        tokens = request_tokens(self._tokenizer, ask)
        if len(tokens) + own.max_tokens > own.longest:
            return Completion(ask.key, "", "prompt_too_long", len(tokens), 0)
        # The stream has one item, the finished output.
        stream = self._engine.generate(
            {"prompt_token_ids": tokens},
            _sampling_parameters(own, ask),
            ask.key,
            lora_request=self._lora_request(ask.adapter),
        )
        outputs = [output async for output in stream]
        choice = outputs[-1].outputs[0]
        opened = "" if ask.prompt or ask.prefill else opened_think(self._tokenizer, tokens)
        text = opened + self._control.visible(choice.text)
        return Completion(
            ask.key, text, str(choice.finish_reason), len(tokens), len(choice.token_ids)
        )

    async def close(self) -> None:
        """Stop the engine and its core process; kill them after one second.

        No request that somebody waits for is in flight at this time.
        """
        self._engine.shutdown(timeout=1.0)

    def _lora_request(self, adapter: Adapter | None) -> Any:
        """Return vLLM's LoRARequest for an adapter; vLLM loads the adapter at the first request."""
        from vllm.lora.request import LoRARequest

        if adapter is None:
            return None
        number = self._adapters.setdefault(adapter.digest, len(self._adapters) + 1)
        return LoRARequest(adapter.digest, number, str(adapter.path))


def _sampling_parameters(own: Sampling, ask: Ask) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=own.temperature,
        top_p=own.top_p,
        max_tokens=ask.max_tokens or own.max_tokens,
        seed=ask.seed,
        output_kind=RequestOutputKind.FINAL_ONLY,
        skip_special_tokens=False,
    )


def reading_parameters(top: int) -> Any:
    """Return vLLM's SamplingParams for scoring a text.

    They request the log-probability of every token and of the `top` likeliest tokens.
    """
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=0,
        max_tokens=1,
        prompt_logprobs=top,
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def started(arguments: Mapping[str, object], placement: EnginePlacement) -> Any:
    """Return an asynchronous vLLM engine with these arguments."""
    _set_cpu_variables(placement)
    from vllm import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments))


def is_cpu() -> bool:
    """Return whether vLLM runs engines on the CPU of this machine."""
    from vllm.platforms import current_platform

    return bool(current_platform.is_cpu())


def engine_arguments(spec: TeacherSpec, placement: EnginePlacement) -> dict[str, object]:
    """Return vLLM's engine arguments for a model on this machine.

    Only safetensors are loaded, because a pickled file can run code. On CPU a seed per request
    together with chunked prefill kills the engine; three settings turn this combination off.
    """
    common: dict[str, object] = {
        "model": resolve(spec.model),
        "revision": spec.revision or None,
        "max_model_len": spec.max_model_len,
        "dtype": "bfloat16",
        "max_num_seqs": placement.window,
        "tensor_parallel_size": placement.tensor_parallel,
        "seed": 0,
        "trust_remote_code": spec.trust_remote_code,
        "load_format": "safetensors",
    }
    if is_cpu():
        steady = {
            "enable_chunked_prefill": False,
            "enable_prefix_caching": False,
            "enforce_eager": True,
        }
        single = {"distributed_executor_backend": "uni"} if placement.tensor_parallel == 1 else {}
        return common | steady | single | {"max_num_batched_tokens": max(16384, spec.max_model_len)}
    return common | {
        "gpu_memory_utilization": memory_share(tightest().memory, placement.memory_share),
        "enable_prefix_caching": True,
    }


def _set_cpu_variables(placement: EnginePlacement) -> None:
    """Set the environment variables of vLLM's CPU build; values that are already set are kept.

    By default vLLM binds its threads to all cores but the last, the same cores for every engine
    on the machine. It also runs the model in a third process, whose imports take as long as those
    of the second. The caller sets the number of threads (OMP_NUM_THREADS).
    """
    if is_cpu():
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(placement.kv_cache_gib))
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")


def lora_arguments(rank: int) -> dict[str, object]:
    """Return vLLM's engine arguments for adapters up to a rank.

    They are empty for rank 0, because an engine with room for adapters is slower.
    """
    if not rank:
        return {}
    return {
        "enable_lora": True,
        "max_loras": 1,
        "max_lora_rank": max(8, 1 << (rank - 1).bit_length()),
    }
