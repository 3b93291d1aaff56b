"""Start the engine or the scorer that a TeacherSpec names."""

import json
import os

from tasks.errors import BadRecipe
from tasks.inference.engine import (
    Adapter,
    Engine,
    EnginePlacement,
    TeacherSpec,
)
from tasks.inference.scoring import Scorer

API_KEY = "TRACEMILL_API_KEY"
"""Environment variable with the API key of an endpoint."""


async def open_engine(
    spec: TeacherSpec, placement: EnginePlacement, adapter: Adapter | None = None
) -> Engine:
    """Return the started engine of a teacher; it has room for an adapter of the given rank.

    The API key of an endpoint is the only setting that is read from the environment. Raises
    BadRecipe for an endpoint with an adapter, because a server cannot be made to load one. The
    scripted engine has no model and ignores the adapter.
    """
    if spec.engine == "scripted":
        from tasks.inference.scripted import ScriptedEngine

        return ScriptedEngine(spec)
    if spec.engine == "endpoint":
        if adapter:
            raise BadRecipe(
                f"an endpoint cannot load the adapter {adapter.path}; "
                "ask a student with engine: vllm"
            )
        from tasks.inference.endpoint import EndpointEngine

        return EndpointEngine(spec, placement, api_key=os.environ.get(API_KEY, ""))
    from tasks.inference.sharded import ShardedEngine

    if adapter:
        rank = max(placement.adapter_rank, rank_of(adapter))
        placement = placement.model_copy(update={"adapter_rank": rank})
    return await ShardedEngine.start(spec, placement)


async def open_scorer(spec: TeacherSpec, placement: EnginePlacement) -> Scorer:
    """Return the started scorer of a teacher's weights.

    Raises BadRecipe for the scripted engine, which has no weights.
    """
    if spec.engine == "scripted":
        raise BadRecipe("the scripted engine has no model, so it cannot score a text")
    if spec.engine == "endpoint":
        from tasks.inference.endpoint import EndpointEngine
        from tasks.inference.endpoint_scorer import EndpointScorer

        return EndpointScorer(EndpointEngine(spec, placement, api_key=os.environ.get(API_KEY, "")))
    from tasks.inference.sharded import ShardedScorer

    return await ShardedScorer.start(spec, placement, scores=True)


def rank_of(adapter: Adapter) -> int:
    """Return the rank of a LoRA adapter, from its adapter_config.json."""
    return int(json.loads((adapter.path / "adapter_config.json").read_bytes())["r"])
