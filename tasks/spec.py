"""Base classes of settings (Spec, Placement), and the digests and seeds that identify data."""

import hashlib
import json
from collections.abc import Mapping

import yaml
from pydantic import BaseModel, ConfigDict, JsonValue


class Spec(BaseModel):
    """Frozen settings in the identity of a table: a changed setting makes another corpus."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Placement(BaseModel):
    """Frozen settings of where and how fast work runs; they are not part of any fingerprint."""

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
    """Return the value of a YAML text: dicts, lists, strings, numbers, booleans and None.

    Raises ValueError for invalid YAML, tags of Python objects and aliases.

    >>> plain_yaml("rows: 60")
    {'rows': 60}
    """
    try:
        return yaml.load(text, Loader=_Plain)
    # For a tag that does not fit its value (!!int "", !!timestamp x) the loader raises errors of
    # many types.
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
    """Return the canonical JSON of a value: sorted keys, no spaces, UTF-8.

    >>> canonical({"b": 1, "a": [True]})
    b'{"a":[true],"b":1}'
    """
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(*parts: str | bytes) -> str:
    """Return the digest of some parts: the first 128 bits of SHA-256, as 32 hex digits.

    Every part has its length as a prefix, so lists with the same joined text have other digests.

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
    """Return the identity of a table, as 16 hex digits.

    inputs: the digest of everything that the stage reads, by name.

    >>> fingerprint(stage="traces", version=1, spec=Spec(), inputs={"prompts": digest("a")})
    '65da95606cb9463e'
    """
    identity: JsonValue = {
        "stage": stage,
        "version": version,
        "spec": spec.model_dump(mode="json"),
        "inputs": dict(inputs),
    }
    return digest(canonical(identity))[:16]


def draw_seed(*parts: str | int) -> int:
    """Return a seed in [0, 2**31) that depends only on the parts.

    >>> draw_seed(0, "row", 7) == draw_seed(0, "row", 7)
    True
    """
    return int(digest(*(str(part) for part in parts))[:8], 16) & 0x7FFFFFFF
