"""From a teacher's Spec to a running engine."""

import os

from tasks.errors import BadRecipe
from tasks.inference.engine import Adapter, Engine, EnginePlacement, TeacherSpec

API_KEY = "TRACEMILL_API_KEY"


async def open_engine(
    spec: TeacherSpec, placement: EnginePlacement, adapter: Adapter | None = None
) -> Engine:
    """Start the engine that a teacher names, an adapter laid over its model where one is given.

    The endpoint's key is the one setting read from the environment. BadRecipe when an endpoint is given an adapter: it
    cannot be told to load one. The scripted engine has no model to lay one over, and answers as it always does.
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

    return await ShardedEngine.start(spec, placement, adapter)
