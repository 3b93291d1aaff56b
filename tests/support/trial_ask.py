"""Asks a model folder one question with vLLM in this process, and prints how the answer ended."""

import asyncio
import sys

from tasks.inference.engine import Ask, EnginePlacement, TeacherSpec
from tasks.inference.offline import OfflineEngine


async def main(folder: str) -> None:
    spec = TeacherSpec(model=folder, temperature=0.0, max_tokens=64, max_model_len=512)
    engine = OfflineEngine(spec, EnginePlacement(kv_cache_gib=1))
    asked = ({"role": "user", "content": "What is the capital of France?"},)
    answer = await engine.ask(Ask("one", asked, 0))
    print(f"ended by {answer.finish_reason}: {answer.text}", flush=True)
    await engine.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
