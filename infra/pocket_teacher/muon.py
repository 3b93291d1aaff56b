"""Muon for the matrices of the blocks: momentum made orthogonal by a Newton-Schulz iteration (Jordan et al. 2024)."""

from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor

from infra.pocket_teacher.model import Block, Pocket

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


@dataclass(frozen=True)
class Slice:
    """Rows of a fused matrix that are one projection and are made orthogonal alone."""

    matrix: Tensor
    first: int
    last: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.last - self.first, self.matrix.shape[1]


def slices_of(model: Pocket) -> list[Slice]:
    """Every projection of every block."""
    shape, slices = model.shape, []
    queries, keys = shape.heads * shape.head_width, shape.key_heads * shape.head_width
    for block in model.blocks:
        assert isinstance(block, Block)
        slices += [
            Slice(block.projected.weight, 0, queries),
            Slice(block.projected.weight, queries, queries + keys),
        ]
        slices += [
            Slice(block.projected.weight, queries + keys, queries + 2 * keys),
            Slice(block.output.weight, 0, shape.width),
        ]
        slices += [
            Slice(block.gate_up.weight, 0, shape.hidden),
            Slice(block.gate_up.weight, shape.hidden, 2 * shape.hidden),
        ]
        slices.append(Slice(block.down.weight, 0, shape.width))
    return slices


def orthogonalised(updates: Tensor) -> Tensor:
    """The updates, (count, rows, columns), with all singular values near one."""
    tall = updates.shape[-2] > updates.shape[-1]
    work = updates.mT.bfloat16() if tall else updates.bfloat16()
    work = work / (work.float().norm(dim=(-2, -1), keepdim=True) + 1e-7).bfloat16()
    first, second, third = COEFFICIENTS
    for _ in range(5):
        gram = work @ work.mT
        work = first * work + (second * gram + third * (gram @ gram)) @ work
    result: Tensor = (work.mT if tall else work).float()
    return result


class Muon:
    """Steps the projections, batched by size, each against its own momentum."""

    def __init__(self, model: Pocket, *, momentum: float = 0.95, decay: float = 0.01) -> None:
        self.momentum, self.decay = momentum, decay
        self.groups: dict[tuple[int, int], list[Slice]] = defaultdict(list)
        for part in slices_of(model):
            self.groups[part.size].append(part)
        self.buffers = {size: torch.zeros(len(parts), *size) for size, parts in self.groups.items()}

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update with Nesterov momentum at that learning rate."""
        for size, parts in self.groups.items():
            gradients = torch.stack([gradient_of(part) for part in parts])
            buffer = self.buffers[size].lerp_(gradients, 1 - self.momentum)
            scale = rate * max(1.0, size[0] / size[1]) ** 0.5
            for part, update in zip(
                parts, orthogonalised(gradients.lerp(buffer, self.momentum)), strict=True
            ):
                part.matrix[part.first : part.last].mul_(1 - rate * self.decay).add_(
                    update, alpha=-scale
                )


def gradient_of(part: Slice) -> Tensor:
    """The gradient of the rows."""
    assert part.matrix.grad is not None
    return part.matrix.grad[part.first : part.last]
