"""A class-conditional autoregressive prior over a grid of codes: a small causal transformer.

p(codes|y) = prod_t p(code_t | code_1 ... code_{t-1}, y), row by row (van den Oord et al. 2017, sec. 3.3). Shapes: B
batch, T codes of an image, K different codes, M values that describe a code, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention, silu


class KeyValueCache:
    """The keys and values of the codes so far in one layer, so that drawing the next code costs one code."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append those of one code, (B, heads, 1, F / heads), and return all of them."""
        if self.keys is not None and self.values is not None:
            keys, values = torch.cat([self.keys, keys], dim=2), torch.cat([self.values, values], dim=2)
        self.keys, self.values = keys, values
        return keys, values


class CausalBlock(nn.Module):
    """Causal self-attention, then a hidden layer, both residual with a layer norm before."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.hidden_norm = nn.LayerNorm(features), nn.LayerNorm(features)
        self.queries_keys_values = nn.Linear(features, 3 * features)
        self.attended = nn.Linear(features, features)
        self.hidden, self.outputs = nn.Linear(features, 2 * features), nn.Linear(2 * features, features)
        for last in (self.attended, self.outputs):
            nn.init.zeros_(last.weight)  # a block starts as the identity

    def forward(self, h_BTF: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """Return the features; with a cache, of the one next code (T = 1), and keep its keys and values there."""
        heads = self.queries_keys_values(self.attention_norm(h_BTF)).unflatten(2, (3, self.heads, -1))
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)
        if cache is not None:
            keys, values = cache.extend(keys, values)
        mixed = scaled_dot_product_attention(queries, keys, values, is_causal=cache is None)
        h_BTF = h_BTF + self.attended(mixed.transpose(1, 2).flatten(2))
        hidden: Tensor = self.outputs(silu(self.hidden(self.hidden_norm(h_BTF))))
        return h_BTF + hidden


class CodePrior(nn.Module):
    """p(codes|y) of a grid of codes.

    The input of a position is its coordinates, the class, and the codes to its left, above and above right. Codes are
    represented by their descriptions, so what is learned about one code transfers to similar ones. `features` must be a
    multiple of `heads`.
    """

    description_KM: Tensor

    def __init__(
        self,
        *,
        description_KM: Tensor,
        grid: tuple[int, int],
        num_classes: int,
        features: int = 96,
        depth: int = 2,
        heads: int = 4,
    ) -> None:
        super().__init__()
        if features % heads:
            raise ValueError(f"{features} features cannot be divided among {heads} heads")
        rows, columns = grid
        self.codes, parts = description_KM.shape
        self.length = rows * columns
        self.offsets = (1, columns, columns - 1) if columns > 2 else (1, columns)
        self.register_buffer("description_KM", description_KM.clone())
        self.neighbours = nn.ModuleList(nn.Embedding(self.codes + 1, features) for _ in self.offsets)
        self.neighbour_parts = nn.ModuleList(nn.Linear(parts, features, bias=False) for _ in self.offsets)
        self.classes = nn.Embedding(num_classes, features)
        self.places = nn.Embedding(self.length, features)
        self.blocks = nn.ModuleList(CausalBlock(features, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(features)
        self.logits, self.part_logits = nn.Linear(features, self.codes), nn.Linear(features, parts, bias=False)
        for table in (*self.neighbours, self.logits):
            nn.init.zeros_(table.weight)  # codes start as what describes them
        nn.init.zeros_(self.logits.bias)
        for table in (*self.neighbour_parts, self.classes, self.places):
            nn.init.normal_(table.weight, std=0.2)

    def forward(self, codes_BT: Tensor, y_B: Tensor) -> Tensor:
        """Return the logits of every code given those before it, (B, T, K)."""
        padding = self.codes  # stands for a neighbour outside the grid
        before = [pad(codes_BT, (offset, 0), value=padding)[:, : self.length] for offset in self.offsets]
        h_BTF = self._inputs(before, y_B, slice(None))
        for block in self.blocks:
            h_BTF = block(h_BTF)
        return self._output(h_BTF)

    @torch.no_grad()
    def draw(self, y_B: Tensor, generator: torch.Generator, *, temperature: float = 1.0, top_p: float = 1.0) -> Tensor:
        """Draw codes, (B, T).

        Args:
            temperature: logits are divided by it; 0 takes the most likely code.
            top_p: draw from the fewest most likely codes with this total probability (Holtzman et al. 2020).
        """
        codes_BT = torch.full((len(y_B), self.length), self.codes, device=y_B.device)
        caches = [KeyValueCache() for _ in self.blocks]
        for t in range(self.length):
            before = [
                codes_BT[:, t - offset, None] if t >= offset else torch.full_like(codes_BT[:, :1], self.codes)
                for offset in self.offsets
            ]
            h_B1F = self._inputs(before, y_B, slice(t, t + 1))
            for block, cache in zip(self.blocks, caches, strict=True):
                h_B1F = block(h_B1F, cache)
            codes_BT[:, t] = sample_categorical(
                self._output(h_B1F)[:, 0], generator, temperature=temperature, top_p=top_p
            )
        return codes_BT

    def _inputs(self, before: list[Tensor], y_B: Tensor, positions: slice) -> Tensor:
        """Return the input of the blocks at some positions, with the neighbours `before`, each (B, T)."""
        h_BTF: Tensor = self.classes(y_B)[:, None] + self.places.weight[positions]
        described_KM = pad(self.description_KM, (0, 0, 0, 1))  # of no neighbour nothing is known
        for table, parts, codes_BT in zip(self.neighbours, self.neighbour_parts, before, strict=True):
            h_BTF = h_BTF + table(codes_BT) + parts(described_KM[codes_BT])
        return h_BTF

    def _output(self, h_BTF: Tensor) -> Tensor:
        h_BTF = self.norm(h_BTF)
        logits_BTK: Tensor = self.logits(h_BTF) + self.part_logits(h_BTF) @ self.description_KM.T
        return logits_BTK


def sample_categorical(logits_BK: Tensor, generator: torch.Generator, *, temperature: float, top_p: float) -> Tensor:
    """Draw an index a row by its logits, (B,); see `CodePrior.draw`."""
    if temperature == 0:
        return logits_BK.argmax(dim=1)
    shifted_BK = logits_BK - logits_BK.amax(dim=1, keepdim=True)  # so that no temperature makes them infinite
    probabilities_BK = (shifted_BK / temperature).softmax(dim=1)
    if top_p < 1:
        sorted_BK, order_BK = probabilities_BK.sort(dim=1, descending=True)
        likelier_BK = sorted_BK.cumsum(dim=1) - sorted_BK  # the probability of all that is likelier
        excluded_BK = likelier_BK >= top_p
        excluded_BK[:, 0] = False  # also for a top_p of zero
        probabilities_BK = probabilities_BK.masked_fill(excluded_BK.gather(1, order_BK.argsort(dim=1)), 0)
    return torch.multinomial(probabilities_BK, 1, generator=generator)[:, 0]
