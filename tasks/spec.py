"""Settings that make a corpus (Spec) and settings that only place its making (Placement), and how
the first are fingerprinted.
"""

import hashlib
import json
from collections.abc import Mapping

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue


class Spec(BaseModel):
    """Frozen settings that are part of a table's identity: change one and another corpus is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Placement(BaseModel):
    """Frozen settings of where and how fast the work runs; never part of any fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _Plain(yaml.SafeLoader):
    """YAML without objects and without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(
                "an alias (*name); write it out, because a few lines of aliases can spell gigabytes"
            )
        return super().compose_node(parent, index)


def plain_yaml(text: str) -> object:
    """Return what a YAML text says, in plain values; ValueError when it says it wrongly, names
    objects, or uses aliases.

    >>> plain_yaml("rows: 60")
    {'rows': 60}
    """
    try:
        return yaml.load(text, Loader=_Plain)
    # A tag that does not fit its value (!!int "", !!timestamp x) comes out of the loader as
    # whatever went wrong there.
    except (
        yaml.YAMLError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as exc:
        raise ValueError(f"not plain YAML: {exc}") from exc


def canonical(value: JsonValue) -> bytes:
    """Return the one JSON spelling of a value: sorted keys, no spaces, UTF-8.

    >>> canonical({"b": 1, "a": [True]})
    b'{"a":[true],"b":1}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(*parts: str | bytes) -> str:
    """Return 32 hex digits (128 bits of SHA-256) over length-prefixed parts, so that no two lists
    of parts collide by joining.

    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        sha.update(len(raw).to_bytes(8, "little"))
        sha.update(raw)
    return sha.hexdigest()[:32]


def fingerprint(*, stage: str, version: int, spec: Spec, inputs: Mapping[str, str]) -> str:
    """Return the identity of a table: its stage, code version, Spec and the digests of what it
    reads.
    """
    identity: JsonValue = {
        "stage": stage,
        "version": version,
        "spec": spec.model_dump(mode="json"),
        "inputs": dict(inputs),
    }
    return digest(canonical(identity))[:16]


def draw_seed(*parts: str | int) -> int:
    """Return a seed in [0, 2**31) that depends on the parts alone: not on order, shard, process or
    clock.

    >>> draw_seed(0, "row", 7) == draw_seed(0, "row", 7)
    True
    """
    return int(digest(*(str(part) for part in parts))[:8], 16) & 0x7FFFFFFF
