"""The chains that ship, and chains in files: by name or path, with changed settings."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, JsonValue, ValidationError

from tasks.chains.chain import Chain, Name, Where
from tasks.errors import BadRecipe, unknown_name
from tasks.inference.engine import ModelName
from tasks.spec import Spec, plain_yaml

LIBRARY = Path(__file__).parent / "library"


class UseChain(Spec):
    """A chain that ships or is in a file, with some settings changed."""

    use: str
    """Name of a built-in chain, or path of a .yaml file."""
    name: Name | None = None
    """Another name for this chain, to use one chain twice."""
    where: Where | None = None
    """Which roots it begins with."""
    change: dict[Name, dict[str, JsonValue]] = Field(default_factory=dict)
    """Name of a step → its settings that are changed."""
    model: ModelName | None = None
    """Name of the model of steps that name none."""
    seed: int | None = Field(None, ge=0)
    """Seed of all draws and answers."""


ChainOrUse = str | UseChain | Chain
"""A chain in a recipe: its name or path, the same with changes, or its steps."""


def chain_of(written: ChainOrUse) -> Chain:
    """Return the chain that a recipe names. Raises BadRecipe."""
    if isinstance(written, Chain):
        return written
    used = UseChain(use=written) if isinstance(written, str) else written
    tree = _tree(used.use)
    if used.name:
        tree["name"] = used.name
    if used.where:
        tree["where"] = used.where.model_dump(mode="json")
    if used.model:
        tree["model"] = used.model
    if used.seed is not None:
        tree["seed"] = used.seed
    changed = set(used.change) - _change(tree.get("steps"), used.change)
    if changed:
        raise BadRecipe(f"chain {used.use!r} has no step {', '.join(sorted(changed))}")
    return _validated(tree, used.use)


def built_in() -> list[str]:
    """Return the names of the chains that ship."""
    return sorted(path.stem for path in LIBRARY.glob("*.yaml"))


def _tree(name: str) -> dict[str, JsonValue]:
    path = Path(name) if name.endswith((".yaml", ".yml")) else LIBRARY / f"{name}.yaml"
    if not path.is_file():
        if path.suffix in (".yaml", ".yml") and path.parent != LIBRARY:
            raise BadRecipe(f"chain file {name!r} does not exist (looked for {path.absolute()})")
        raise unknown_name("chain", name, built_in())
    try:
        tree = plain_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise BadRecipe(f"chain file {str(path)!r}: {exc}") from exc
    if not isinstance(tree, dict):
        raise BadRecipe(f"chain file {str(path)!r} is no mapping; see {LIBRARY / 'inspired.yaml'}")
    return tree


def _change(steps: JsonValue, changes: Mapping[str, Mapping[str, JsonValue]]) -> set[str]:
    """Change steps of a tree; return the names of the changed steps."""
    done: set[str] = set()
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict):
            name = str(step.get("name"))
            if name in changes:
                step.update(changes[name])
                done.add(name)
            done |= _change(step.get("steps"), changes)
    return done


def _validated(tree: Mapping[str, JsonValue], name: str) -> Chain:
    try:
        return Chain.model_validate(tree)
    except ValidationError as exc:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in exc.errors()
        )
        raise BadRecipe(f"chain {name!r}: {faults}") from exc
