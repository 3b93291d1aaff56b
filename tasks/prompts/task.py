"""The task of the prompts stage."""

from pathlib import Path

from prefect import task

from tasks.prompts.family import PromptSpec
from tasks.prompts.write import templates_digest, write
from tasks.stage import STAGE, settle
from tasks.store import Key, Table

CODE_VERSION = 5


@task(**STAGE)
def write_prompts(passages: Table, questions: Table, spec: PromptSpec, root: Path) -> Table:
    """Return PROMPTS, planned and rendered. Raises PlanOverdrawn if a family would repeat
    prompts.
    """
    inputs = {
        "passages": passages.digest,
        "questions": questions.digest,
        "templates": templates_digest(spec),
    }
    return settle(
        root,
        Key("prompts", CODE_VERSION, spec, inputs),
        lambda: write(passages.read(), questions.read(), spec),
    )
