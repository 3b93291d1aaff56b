"""From a teacher's Spec to a running engine."""

import os

from tasks.inference.engine import Engine, EnginePlacement, TeacherSpec

API_KEY = "TRACEMILL_API_KEY"


async def open_engine(spec: TeacherSpec, placement: EnginePlacement) -> Engine:
    """Start the engine that a teacher names. The endpoint's key is the one setting read from the environment."""
    if spec.engine == "scripted":
        from tasks.inference.scripted import ScriptedEngine

        return ScriptedEngine(spec)
    if spec.engine == "endpoint":
        from tasks.inference.endpoint import EndpointEngine

        return EndpointEngine(spec, placement, api_key=os.environ.get(API_KEY, ""))
    from tasks.inference.sharded import ShardedEngine

    return await ShardedEngine.start(spec, placement)
