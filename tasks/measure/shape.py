"""The memory that a model needs, and that one decode step reads: from its config.json and the sizes
of its files.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tasks.inference.engine import TeacherSpec
from tasks.inference.models import resolve

Config = Mapping[str, Any]
UNCOUNTABLE = (
    "hybrid_override_pattern",
    "block_configs",
    "kv_lora_rank",
    "linear_num_key_heads",
)
"""Keys of configs from which the weights cannot be counted."""
LOADED_BYTES = 2
"""Bytes of a weight and of a KV entry. Engines load unquantized weights, and keep the KV cache, as
bfloat16.
"""


class Shape(NamedTuple):
    """The memory of a model; sizes in bytes.

    weights: all weights, as loaded. lookup: the part that is an embedding table, which is never
    read as a whole. experts: the part that belongs to routed experts. expert_share: share of the
    experts that one token uses. kv: of one token in one attention layer. layers: those that attend
    to all tokens. window_layers: those that attend to the last `window` tokens only.
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
    """Return the shape of an engine's model; None if it is unknown: behind an endpoint, scripted,
    or not available.
    """
    return _shape_at(teacher.model, teacher.revision) if teacher.engine == "vllm" else None


@cache
def _shape_at(model: str, revision: str) -> Shape | None:
    folder = _files(model, revision)
    if folder is None or not (folder / "config.json").is_file():
        return None
    config = json.loads((folder / "config.json").read_bytes())
    return shape(config, _stored(folder))


def _files(model: str, revision: str) -> Path | None:
    """Return the folder of a model. Of a model on the hub, only its small files are fetched, which
    the engine needs anyway.
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
    """Return the bytes of a model's weight files, 0 if they are not here and no index lists
    them.
    """
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")]
    index = folder / "model.safetensors.index.json"
    listed = json.loads(index.read_bytes()).get("metadata", {}) if index.is_file() else {}
    return max(sum(sizes), int(listed.get("total_size") or 0))


def shape(config: Config, stored: int = 0) -> Shape | None:
    """Return a model's shape, None if its weights can be known neither from the config nor from its
    files.

    config: its config.json. stored: bytes of its weight files, 0 if unknown. Hybrids of attention
    and state space, and models pruned layer by layer, need their files.
    """
    if isinstance(config.get("text_config"), dict):
        config = {**config, **config["text_config"]}
    if not stored and any(config.get(name) for name in UNCOUNTABLE):
        return None
    table = LOADED_BYTES * config["vocab_size"] * config["hidden_size"]
    tied = bool(config.get("tie_word_embeddings"))
    experts, share = _experts(config)
    windowed = _windowed(config)
    return Shape(
        weights=_loaded(config, stored) if stored else _counted(config, table, tied=tied),
        lookup=0 if tied else table,
        experts=bytes_per_weight(_quantization(config)) * experts,
        expert_share=share,
        kv=_kv(config),
        layers=_attending(config) - windowed,
        window_layers=windowed,
        window=int(config.get("sliding_window") or 0),
    )


def _quantization(config: Config) -> Config:
    found: Config = config.get("quantization_config") or {}
    return found


def _loaded(config: Config, stored: int) -> float:
    """Return the bytes of the weights as loaded, from the bytes of their files."""
    if _quantization(config):
        return stored
    return stored * LOADED_BYTES / _stored_bytes(config)


def _counted(config: Config, table: int, *, tied: bool) -> float:
    """Return the bytes of the weights as loaded, counted from the config. table: bytes of one
    embedding table.
    """
    experts, _ = _experts(config)
    weights = _layers(config) * _attention(config) + _dense_mlp(config) + experts
    return bytes_per_weight(_quantization(config)) * weights + table * (1 if tied else 2)


def bytes_per_weight(quantization: Config) -> float:
    """Return the bytes of one weight of a linear layer, with its share of the scales. {} means
    bfloat16.

    NVFP4: 4 bits, and an FP8 scale for 16 weights. MXFP4: 4 bits, and an 8-bit scale for 32 (OCP
    Microscaling 1.0). Integers (AWQ, GPTQ): an FP16 scale per group.
    """
    if not quantization:
        return LOADED_BYTES
    names = ("quant_method", "quant_algo", "format")
    named = " ".join(str(quantization.get(name, "")) for name in names).lower()
    groups = quantization.get("config_groups") or {}
    weights: Config = next(iter(groups.values()))["weights"] or {} if groups else {}
    floating = "fp4" in named or weights.get("type") == "float"
    four = "fp4" in named or quantization.get("load_in_4bit")
    bits = weights.get("num_bits") or quantization.get("bits") or (4 if four else 8)
    group = weights.get("group_size") or quantization.get("group_size")
    if "mxfp4" in named:
        group = 32
    group = group or (16 if "nvfp4" in named else 0)
    scale = (1 if floating else 2) / group if bits < 8 and group > 0 else 0
    return float(bits / 8 + scale)


def step_bytes(shape: Shape, rows: float, context: float) -> float:
    """Return the bytes that one decode step of an engine reads: the weights once, only the experts
    in use, and the KV cache of every row.

    rows: in flight. context: tokens per row. With even routing, rows use 1 - (1 - share)^rows of
    the experts.
    """
    unused = shape.experts * (1 - shape.expert_share) ** rows
    return float(shape.weights - shape.lookup - unused + rows * kv_bytes(shape, context))


def kv_bytes(shape: Shape, context: float) -> float:
    """Return the bytes of the KV cache of one row with `context` tokens."""
    return shape.kv * (shape.layers * context + shape.window_layers * min(context, shape.window))


def _kv(config: Config) -> float:
    """Return a token's KV bytes in one layer: a key and a value per KV head (GQA), or the one
    latent vector of MLA (DeepSeek-V2, section 2.1).
    """
    cached = (config.get("quantization_config") or {}).get("kv_cache_scheme") or {}
    each = (cached.get("num_bits") or 8 * LOADED_BYTES) / 8
    if config.get("kv_lora_rank"):
        return float(each * (config["kv_lora_rank"] + config["qk_rope_head_dim"]))
    return float(each * 2 * _kv_heads(config) * _head_dim(config))


def _attending(config: Config) -> int:
    """Return the number of layers with a KV cache."""
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
    """Return the KV heads of a layer. A config of a model pruned layer by layer holds the number of
    query heads per KV head.
    """
    blocks = config.get("block_configs") or ()
    kept = [block["attention"] for block in blocks if not block["attention"].get("no_op")]
    groups = [attention.get("n_heads_in_group") for attention in kept]
    if groups and groups[0]:
        return int(config["num_attention_heads"] // groups[0])
    return int(config.get("num_key_value_heads") or config["num_attention_heads"])


def _head_dim(config: Config) -> int:
    return int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])


def _attention(config: Config) -> int:
    heads = 2 * config["num_attention_heads"] + 2 * _kv_heads(config)
    return int(config["hidden_size"] * heads * _head_dim(config))


def _matrices(config: Config) -> int:
    """Return the matrices of a feed-forward part: three with a learned gate, two in Nemotron's
    squared ReLU.
    """
    return 2 if "relu2" in str(config.get("mlp_hidden_act") or config.get("hidden_act")) else 3


def _dense_mlp(config: Config) -> int:
    """Return the number of feed-forward weights that every token uses."""
    wide = config.get("intermediate_size") or 0
    if not _expert_count(config):
        return int(_layers(config) * _matrices(config) * config["hidden_size"] * wide)
    dense = config.get("first_k_dense_replace") or 0
    each = config.get("moe_intermediate_size") or 0
    shared = config.get("shared_expert_intermediate_size")
    shared = shared or (config.get("n_shared_experts") or 0) * each
    per_layer = _matrices(config) * shared + _expert_count(config)
    sparse = (_layers(config) - dense) * config["hidden_size"] * per_layer
    return int(dense * _matrices(config) * config["hidden_size"] * wide + sparse)


def _experts(config: Config) -> tuple[int, float]:
    """Return (number of weights of all routed experts, share of them that one token uses); (0, 1)
    without experts.
    """
    count = _expert_count(config)
    if not count:
        return 0, 1.0
    wide = config.get("moe_intermediate_size") or config["intermediate_size"]
    layers = _layers(config) - (config.get("first_k_dense_replace") or 0)
    if pattern := config.get("hybrid_override_pattern"):
        layers = pattern.count("E")
    weights = int(layers * count * _matrices(config) * config["hidden_size"] * wide)
    return weights, config["num_experts_per_tok"] / count


def _expert_count(config: Config) -> int:
    return int(
        config.get("num_experts")
        or config.get("num_local_experts")
        or config.get("n_routed_experts")
        or 0
    )


def _stored_bytes(config: Config) -> int:
    """Return the bytes of an unquantized weight in its file."""
    return 4 if str(config.get("dtype") or config.get("torch_dtype")) == "float32" else 2
