"""vLLM in this process: one engine, many rows in flight."""

import os

from tasks.inference.engine import Ask, Completion, EnginePlacement, TeacherSpec
from tasks.inference.models import resolve

os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
# An engine talks to its own workers alone; without this it finds its address by reaching for a public one.
os.environ.setdefault("VLLM_HOST_IP", "127.0.0.1")


class OfflineEngine:
    """An asynchronous vLLM engine fed with token ids, so that a prompt's length is known before it is asked."""

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement) -> None:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(placement.kv_cache_gib))
        from vllm import AsyncEngineArgs, SamplingParams
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.async_llm import AsyncLLM

        self._spec = spec
        self._engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**engine_arguments(spec, placement)))
        self._tokenizer = self._engine.get_tokenizer()
        self._sampling = SamplingParams(
            temperature=spec.temperature, top_p=spec.top_p, max_tokens=spec.max_tokens, output_kind=RequestOutputKind.FINAL_ONLY
        )

    async def ask(self, ask: Ask) -> Completion:
        """Return the answer; raises vLLM's EngineDeadError when the engine is gone."""
        tokens = self._tokenizer.apply_chat_template(
            [dict(message) for message in ask.messages], add_generation_prompt=True, tokenize=True, return_dict=False
        )
        if len(tokens) + self._spec.max_tokens > self._spec.max_model_len:
            return Completion(ask.key, "", "prompt_too_long", len(tokens), 0)
        sampling = self._sampling.clone()
        sampling.seed = ask.seed
        # FINAL_ONLY: the stream holds one item, the finished output.
        outputs = [output async for output in self._engine.generate({"prompt_token_ids": tokens}, sampling, ask.key)]
        choice = outputs[-1].outputs[0]
        return Completion(ask.key, choice.text, str(choice.finish_reason), len(tokens), len(choice.token_ids))

    async def close(self) -> None:
        """Stop the engine and its core process."""
        self._engine.shutdown()


def engine_arguments(spec: TeacherSpec, placement: EnginePlacement) -> dict[str, object]:
    """Return vLLM's engine arguments for this model on this machine.

    On CPU a per-request seed together with chunked prefill kills the engine, hence the three settings there.
    """
    common: dict[str, object] = {
        "model": resolve(spec.model), "revision": spec.revision or None, "max_model_len": spec.max_model_len, "dtype": "bfloat16",
        "max_num_seqs": placement.window, "tensor_parallel_size": placement.tensor_parallel, "seed": 0,
        "trust_remote_code": spec.trust_remote_code,
    }  # fmt: skip
    from vllm.platforms import current_platform

    if current_platform.is_cpu():
        steady = {"enable_chunked_prefill": False, "enable_prefix_caching": False, "enforce_eager": True}
        return common | steady | {"max_num_batched_tokens": max(16384, spec.max_model_len)}
    return common | {"gpu_memory_utilization": placement.memory_share, "enable_prefix_caching": True}
