"""From a teacher's Spec to a running engine."""

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


async def open_engine(
    spec: TeacherSpec, placement: EnginePlacement, adapter: Adapter | None = None
) -> Engine:
    """Return the engine that a teacher names, started, with room for adapters of this one's rank.

    The endpoint's key is the one setting read from the environment. BadRecipe when an endpoint is
    given an adapter: it cannot be told to load one. The scripted engine has no model to lay one
    over, and answers as it always does.
    """
    if spec.engine == "scripted":
        from tasks.inference.scripted import ScriptedEngine

        return ScriptedEngine(spec)
    if spec.engine == "endpoint":
        if adapter:
            raise BadRecipe(
                f"an endpoint cannot load the adapter {adapter.path}; ask a student with engine: vllm"
            )
        from tasks.inference.endpoint import EndpointEngine

        return EndpointEngine(spec, placement, api_key=os.environ.get(API_KEY, ""))
    from tasks.inference.sharded import ShardedEngine

    if adapter:
        rank = max(placement.adapter_rank, rank_of(adapter))
        placement = placement.model_copy(update={"adapter_rank": rank})
    return await ShardedEngine.start(spec, placement)


async def open_scorer(spec: TeacherSpec, placement: EnginePlacement) -> Scorer:
    """Return what scores texts under a teacher's weights, started. BadRecipe for one without any."""
    if spec.engine == "scripted":
        raise BadRecipe("the scripted engine has no model, so it cannot score a text")
    if spec.engine == "endpoint":
        from tasks.inference.endpoint import EndpointEngine
        from tasks.inference.endpoint_scorer import EndpointScorer

        return EndpointScorer(EndpointEngine(spec, placement, api_key=os.environ.get(API_KEY, "")))
    from tasks.inference.sharded import ShardedScorer

    return await ShardedScorer.start(spec, placement, scores=True)


def rank_of(adapter: Adapter) -> int:
    """Return the rank of an adapter's matrices."""
    return int(json.loads((adapter.path / "adapter_config.json").read_bytes())["r"])
