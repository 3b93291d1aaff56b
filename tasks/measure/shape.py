"""What a model weighs, and what one decode step reads of it: from its config.json and the sizes of
its files.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tasks.inference.engine import TeacherSpec
from tasks.inference.models import resolve

Config = Mapping[str, Any]
LOADED_BYTES = 2
"""Engines load unquantized weights, and keep the KV cache, as bfloat16."""


class Shape(NamedTuple):
    """A model as memory sees it; sizes in bytes.

    weights: all of them, as loaded. lookup: of these, an embedding that is looked up and never read
    whole. experts: of these, routed experts. expert_share: of the experts, the share that one token
    uses. kv: of one token in one layer of attention. layers: those that look at all tokens.
    window_layers: those that look at the last `window` ones alone.
    """

    weights: float
    lookup: float
    experts: float
    expert_share: float
    kv: float
    layers: int
    window_layers: int
    window: int


def shape_of(teacher: TeacherSpec) -> Shape | None:
    """Return the shape of an engine's model; None where there is none to see: behind an endpoint,
    scripted, or not to be had.
    """
    return _shape_at(teacher.model, teacher.revision) if teacher.engine == "vllm" else None


@cache
def _shape_at(model: str, revision: str) -> Shape | None:
    folder = _files(model, revision)
    config = folder / "config.json" if folder else None
    return (
        shape(json.loads(config.read_bytes()), _stored(config.parent))
        if config and config.is_file()
        else None
    )


def _files(model: str, revision: str) -> Path | None:
    """Return the folder of a model, of a hub's one its small files; the engine that is about to
    start would fetch them too.
    """
    folder = Path(resolve(model))
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, revision=revision or None, allow_patterns=["*.json"]))
    except (OSError, ValueError):
        return None


def _stored(folder: Path) -> int:
    """Return the bytes of a model's weight files, 0 where they are not here and no index tells."""
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")]
    index = folder / "model.safetensors.index.json"
    listed = json.loads(index.read_bytes()).get("metadata", {}) if index.is_file() else {}
    return max(sum(sizes), int(listed.get("total_size") or 0))


def shape(config: Config, stored: int = 0) -> Shape | None:
    """Return a model's shape from its config.json. stored: bytes of its weight files, 0 when
    unknown.

    None when neither says what it weighs: hybrids of attention and state space, and models pruned
    layer by layer, are weighed by their files.
    """
    config = (
        config | config["text_config"] if isinstance(config.get("text_config"), dict) else config
    )
    quantization = config.get("quantization_config") or {}
    plain = not any(
        config.get(name)
        for name in (
            "hybrid_override_pattern",
            "block_configs",
            "kv_lora_rank",
            "linear_num_key_heads",
        )
    )
    if not stored and not plain:
        return None
    each = bytes_per_weight(quantization)
    table = LOADED_BYTES * config["vocab_size"] * config["hidden_size"]
    tied = bool(config.get("tie_word_embeddings"))
    experts, share = _experts(config)
    counted = _layers(config) * _attention(config) + _dense_mlp(config) + experts if plain else 0
    own = (
        stored * (1 if quantization else LOADED_BYTES / _stored_bytes(config))
        if stored
        else each * counted + table * (1 if tied else 2)
    )
    windowed = _windowed(config)
    return Shape(
        weights=own,
        lookup=0 if tied else table,
        experts=each * experts,
        expert_share=share,
        kv=_kv(config),
        layers=_attending(config) - windowed,
        window_layers=windowed,
        window=int(config.get("sliding_window") or 0),
    )


def bytes_per_weight(quantization: Config) -> float:
    """Return the bytes of one weight of a linear layer, its share of the scales included; {} for
    bfloat16.

    NVFP4: 4 bits and an FP8 scale for 16 weights. MXFP4: an 8-bit scale for 32 (OCP Microscaling
    1.0). Integers (AWQ, GPTQ): an FP16 scale a group.
    """
    if not quantization:
        return LOADED_BYTES
    named = " ".join(
        str(quantization.get(name, "")) for name in ("quant_method", "quant_algo", "format")
    ).lower()
    groups = quantization.get("config_groups") or {}
    weights: Config = next(iter(groups.values()))["weights"] or {} if groups else {}
    floating = "fp4" in named or weights.get("type") == "float"
    four = "fp4" in named or quantization.get("load_in_4bit")
    bits = weights.get("num_bits") or quantization.get("bits") or (4 if four else 8)
    group = (
        32
        if "mxfp4" in named
        else weights.get("group_size")
        or quantization.get("group_size")
        or (16 if "nvfp4" in named else 0)
    )
    scale = (1 if floating else 2) / group if bits < 8 and group > 0 else 0
    return float(bits / 8 + scale)


def step_bytes(shape: Shape, rows: float, context: float) -> float:
    """Return what one decode step of an engine reads: weights once, of the experts those that its
    rows wake, and every row's KV.

    rows: in flight. context: tokens behind each. With even routing, rows wake 1 - (1 - share)^rows
    of the experts.
    """
    asleep = shape.experts * (1 - shape.expert_share) ** rows
    return float(shape.weights - shape.lookup - asleep + rows * kv_bytes(shape, context))


def kv_bytes(shape: Shape, context: float) -> float:
    """Return the KV of one row with so many tokens."""
    return shape.kv * (shape.layers * context + shape.window_layers * min(context, shape.window))


def _kv(config: Config) -> float:
    """Return a token's KV bytes in a layer: a key and a value a KV head (GQA), or the one latent of
    MLA (DeepSeek-V2, section 2.1).
    """
    cached = (config.get("quantization_config") or {}).get("kv_cache_scheme") or {}
    each = (cached.get("num_bits") or 8 * LOADED_BYTES) / 8
    if config.get("kv_lora_rank"):
        return float(each * (config["kv_lora_rank"] + config["qk_rope_head_dim"]))
    return float(each * 2 * _kv_heads(config) * _head_dim(config))


def _attending(config: Config) -> int:
    """Return the layers that keep a KV cache."""
    if pattern := config.get("hybrid_override_pattern"):
        return int(pattern.count("*"))
    if blocks := config.get("block_configs"):
        return sum(not block["attention"].get("no_op") for block in blocks)
    kinds = config.get("layer_types") or config.get("layers_block_type") or []
    return sum("attention" in kind and "linear" not in kind for kind in kinds) or _layers(config)


def _windowed(config: Config) -> int:
    return sum(kind == "sliding_attention" for kind in config.get("layer_types") or ())


def _layers(config: Config) -> int:
    return int(config["num_hidden_layers"])


def _kv_heads(config: Config) -> int:
    """Return the KV heads of a layer; a model pruned layer by layer says how many query heads share
    one.
    """
    blocks = config.get("block_configs") or ()
    groups = [
        block["attention"].get("n_heads_in_group")
        for block in blocks
        if not block["attention"].get("no_op")
    ]
    if groups and groups[0]:
        return int(config["num_attention_heads"] // groups[0])
    return int(config.get("num_key_value_heads") or config["num_attention_heads"])


def _head_dim(config: Config) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _attention(config: Config) -> int:
    heads = 2 * config["num_attention_heads"] + 2 * _kv_heads(config)
    return int(config["hidden_size"] * heads * _head_dim(config))


def _matrices(config: Config) -> int:
    """Return the matrices of a feed-forward part: three where a gate is learnt, two in Nemotron's
    squared ReLU.
    """
    return 2 if "relu2" in str(config.get("mlp_hidden_act") or config.get("hidden_act")) else 3


def _dense_mlp(config: Config) -> int:
    """Return the feed-forward weights that every token uses."""
    wide = config.get("intermediate_size") or 0
    if not _expert_count(config):
        return int(_layers(config) * _matrices(config) * config["hidden_size"] * wide)
    dense = config.get("first_k_dense_replace") or 0
    shared = config.get("shared_expert_intermediate_size") or (
        config.get("n_shared_experts") or 0
    ) * (config.get("moe_intermediate_size") or 0)
    router = _expert_count(config)
    sparse = (
        (_layers(config) - dense) * config["hidden_size"] * (_matrices(config) * shared + router)
    )
    return int(dense * _matrices(config) * config["hidden_size"] * wide + sparse)


def _experts(config: Config) -> tuple[int, float]:
    """Return (weights of all routed experts, share of them that one token uses); no experts: (0,
    1).
    """
    count = _expert_count(config)
    if not count:
        return 0, 1.0
    wide = config.get("moe_intermediate_size") or config["intermediate_size"]
    pattern = config.get("hybrid_override_pattern") or ""
    layers = (
        pattern.count("E")
        if pattern
        else _layers(config) - (config.get("first_k_dense_replace") or 0)
    )
    return int(layers * count * _matrices(config) * config["hidden_size"] * wide), config[
        "num_experts_per_tok"
    ] / count


def _expert_count(config: Config) -> int:
    return int(
        config.get("num_experts")
        or config.get("num_local_experts")
        or config.get("n_routed_experts")
        or 0
    )


def _stored_bytes(config: Config) -> int:
    """Return the bytes of a weight as it is stored, where it is not quantized."""
    return 4 if str(config.get("dtype") or config.get("torch_dtype")) == "float32" else 2
