"""Chains run as stages without Prefect, in this process or in one that may be killed."""

import sys
from pathlib import Path

from flows.chains import Sources, questions_of
from flows.clock import WithoutPrefect
from flows.recipes.corpus import Recipe
from tasks.grounding.task import ground_passages
from tasks.sources.task import collect_documents, collect_questions


def run_chains(recipe: Recipe, root: Path) -> dict[str, bytes]:
    """Run the chains of a recipe; return the files of ITEMS and QUESTIONS by stage and name."""
    stages = WithoutPrefect()
    documents = stages.run(collect_documents, recipe.documents, root)
    passages = stages.run(ground_passages, documents, recipe.grounding, root)
    ready = stages.run(collect_questions, recipe.questions, root)
    probe = stages.run(collect_questions, recipe.probe.questions, root)
    questions_of(recipe, root, stages, Sources(ready, probe, passages))
    return {
        f"{name}/{path.name}": path.read_bytes()
        for name, table in stages.tables
        if table.stage in ("items", "questions")
        for path in table.path.iterdir()
    }


if __name__ == "__main__":
    run_chains(Recipe.model_validate_json(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
