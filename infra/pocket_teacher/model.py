"""A lean Qwen3 that trains fast on a CPU, and its export to the stock layout of transformers."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen3Config, Qwen3ForCausalLM

LONGEST = 1024


@dataclass(frozen=True)
class Shape:
    """The sizes of the network."""

    vocabulary: int = 2048
    width: int = 192
    hidden: int = 512
    layers: int = 6
    heads: int = 6
    key_heads: int = 2
    head_width: int = 32
    rotary_base: float = 10_000.0
    epsilon: float = 1e-6


class Norm(nn.Module):
    """Root mean square normalisation, computed in float32."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, states: Tensor) -> Tensor:
        """The states scaled to unit mean square, then by the weight."""
        wide = states.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return (wide * self.weight).to(states.dtype)


def rotated(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotary position embedding over (batch, position, head, width)."""
    half = states.shape[-1] // 2
    turned = torch.cat([-states[..., half:], states[..., :half]], -1)
    return (states * cosine + turned * sine).to(states.dtype)


class Block(nn.Module):
    """One decoder layer with fused query-key-value and gate-up projections."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.before_attention = Norm(shape.width, shape.epsilon)
        self.before_feed = Norm(shape.width, shape.epsilon)
        self.projected = nn.Linear(
            shape.width, (shape.heads + 2 * shape.key_heads) * shape.head_width, bias=False
        )
        self.output = nn.Linear(shape.heads * shape.head_width, shape.width, bias=False)
        self.query_norm = Norm(shape.head_width, shape.epsilon)
        self.key_norm = Norm(shape.head_width, shape.epsilon)
        self.gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """The states after attention and feed-forward."""
        states = states + self.attended(self.before_attention(states), cosine, sine)
        gate, up = self.gate_up(self.before_feed(states)).chunk(2, -1)
        written: Tensor = self.down(functional.silu(gate) * up)
        return states + written

    def attended(self, states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        """Causal grouped-query attention."""
        shape, (batch, length, _) = self.shape, states.shape
        projected = self.projected(states).view(
            batch, length, shape.heads + 2 * shape.key_heads, shape.head_width
        )
        query, key, value = projected.split([shape.heads, shape.key_heads, shape.key_heads], 2)
        query = rotated(self.query_norm(query), cosine, sine).transpose(1, 2)
        key = rotated(self.key_norm(key), cosine, sine).transpose(1, 2)
        groups = shape.heads // shape.key_heads
        key, value = (
            key.repeat_interleave(groups, 1),
            value.transpose(1, 2).repeat_interleave(groups, 1),
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        attended: Tensor = self.output(mixed.transpose(1, 2).reshape(batch, length, -1))
        return attended


class Pocket(nn.Module):
    """The network; calling it gives the weighted mean loss of a batch."""

    cosine: Tensor
    sine: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.epsilon)
        frequencies = shape.rotary_base ** -(
            torch.arange(0, shape.head_width, 2).float() / shape.head_width
        )
        angles = (torch.arange(LONGEST).float()[:, None] * frequencies).repeat(1, 2)[:, None, :]
        self.register_buffer("cosine", angles.cos(), persistent=False)
        self.register_buffer("sine", angles.sin(), persistent=False)
        self.initialise()

    def initialise(self) -> None:
        """Draws the matrices: small embeddings, projections by fan-in, halved where they write to the stream."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                residual = 0.5 if "output" in name or "down" in name else 1.0
                nn.init.normal_(
                    parameter,
                    std=0.02 if "embedding" in name else residual * parameter.shape[1] ** -0.5,
                )

    def forward(self, tokens: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The mean cross-entropy of the targets in nats; all three are (batch, position)."""
        length = tokens.shape[1]
        states = self.embedding(tokens)
        for block in self.blocks:
            states = block(states, self.cosine[:length], self.sine[:length])
        logits = functional.linear(self.norm(states), self.embedding.weight).float()
        losses = functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), reduction="none"
        ).view_as(weights)
        mean: Tensor = (losses * weights).sum() / weights.sum()
        return mean


def stock_config(shape: Shape, *, padding: int, end: int) -> Qwen3Config:
    """The configuration under which transformers and vLLM load the weights."""
    return Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        head_dim=shape.head_width,
        max_position_embeddings=LONGEST,
        rms_norm_eps=shape.epsilon,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=padding,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rotary_base},
    )


def stock_layer(block: Block, prefix: str) -> dict[str, Tensor]:
    """The weights of one layer under their stock names, fused matrices taken apart."""
    shape = block.shape
    widths = [heads * shape.head_width for heads in (shape.heads, shape.key_heads, shape.key_heads)]
    query, key, value = torch.split(block.projected.weight, widths)
    gate, up = block.gate_up.weight.chunk(2)
    named = {
        "self_attn.q_proj": query,
        "self_attn.k_proj": key,
        "self_attn.v_proj": value,
        "self_attn.o_proj": block.output.weight,
        "self_attn.q_norm": block.query_norm.weight,
        "self_attn.k_norm": block.key_norm.weight,
        "mlp.gate_proj": gate,
        "mlp.up_proj": up,
        "mlp.down_proj": block.down.weight,
        "input_layernorm": block.before_attention.weight,
        "post_attention_layernorm": block.before_feed.weight,
    }
    return {f"{prefix}.{name}.weight": weight for name, weight in named.items()}


def stock_model(model: Pocket, *, padding: int, end: int) -> Qwen3ForCausalLM:
    """The same network as a Qwen3ForCausalLM in float32."""
    weights = {
        "model.embed_tokens.weight": model.embedding.weight,
        "lm_head.weight": model.embedding.weight,
        "model.norm.weight": model.norm.weight,
    }
    for number, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        weights |= stock_layer(block, f"model.layers.{number}")
    stock: Qwen3ForCausalLM = Qwen3ForCausalLM(stock_config(model.shape, padding=padding, end=end))
    stock.load_state_dict(
        {name: weight.detach().clone() for name, weight in weights.items()}, strict=True
    )
    stock.tie_weights()
    stock.generation_config.eos_token_id = end
    stock.generation_config.pad_token_id = padding
    return stock
