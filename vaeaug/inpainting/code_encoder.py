"""An inpainting encoder for discrete latents: codes are predicted from the visible pixels and from each other.

A small transformer learns p(code_t | x, m, y, some codes) on codes of which a random part is masked. Sampling starts
with all codes masked and reveals them in a few rounds, the most certain ones first (Chang et al., MaskGIT, CVPR 2022,
sec. 3.2). Shapes: T codes of an image, all leaves of a latent concatenated, K different codes, F features.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention, silu

from vaeaug.contracts import ImageSpec, Latent
from vaeaug.contracts.latent import flatten, unflatten
from vaeaug.inpainting.encoder import InpaintingEncoder, masked_input
from vaeaug.nn import Encoder

HEADS = 4
FEATURES_PER_POSITION = 16  # inputs per position from the visible pixels
ROUNDS = 8  # of a draw
INITIAL_TEMPERATURE = (
    4.0  # the noise on how sure the network is, in the first round; it ends at none (Chang et al., appendix)
)


class AttentionBlock(nn.Module):
    """Self-attention over all positions, then a hidden layer, both residual, with a layer norm before each."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.attention_norm, self.hidden_norm = nn.LayerNorm(features), nn.LayerNorm(features)
        self.queries_keys_values = nn.Linear(features, 3 * features)
        self.attended = nn.Linear(features, features)
        self.hidden, self.outputs = nn.Linear(features, 2 * features), nn.Linear(2 * features, features)
        for last in (self.attended, self.outputs):
            nn.init.zeros_(last.weight)  # a block starts as the identity

    def forward(self, h_BTF: Tensor) -> Tensor:
        """Return the features."""
        heads = self.queries_keys_values(self.attention_norm(h_BTF)).unflatten(2, (3, HEADS, -1))
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(queries, keys, values)
        h_BTF = h_BTF + self.attended(mixed.transpose(1, 2).flatten(2))
        out_BTF: Tensor = h_BTF + self.outputs(silu(self.hidden(self.hidden_norm(h_BTF))))
        return out_BTF


class CodeEncoder(InpaintingEncoder):
    """An inpainting encoder that predicts codes in rounds; `features` must be a multiple of the number of heads."""

    kind = "codes"

    def __init__(self, spec: ImageSpec, like: Latent, *, codes: int, features: int = 96, depth: int = 2) -> None:
        super().__init__(spec)
        self.like, self.codes, self.features, self.depth = like, codes, features, depth
        self.length = flatten(like).shape[1]
        self.seen = Encoder(
            channels=spec.channels + 1,
            height=spec.height,
            width=spec.width,
            features=self.length * FEATURES_PER_POSITION,
            num_classes=spec.num_classes,
        )
        self.into_features = nn.Linear(FEATURES_PER_POSITION, features)
        self.revealed = nn.Embedding(codes + 1, features)  # the last one stands for a code not shown
        self.places = nn.Embedding(self.length, features)
        self.blocks = nn.ModuleList(AttentionBlock(features) for _ in range(depth))
        self.norm, self.logits = nn.LayerNorm(features), nn.Linear(features, codes)
        for table in (self.revealed, self.places):
            nn.init.normal_(table.weight, std=0.2)

    def settings(self) -> dict[str, Any]:
        """See `InpaintingEncoder.settings`."""
        return {"codes": self.codes, "features": self.features, "depth": self.depth}

    def forward(self, features_BTS: Tensor, shown_BT: Tensor) -> Tensor:
        """Return the logits of every position, (B, T, K); codes with the value K are masked."""
        h_BTF = self.into_features(features_BTS) + self.revealed(shown_BT) + self.places.weight
        for block in self.blocks:
            h_BTF = block(h_BTF)
        logits_BTK: Tensor = self.logits(self.norm(h_BTF))
        return logits_BTK

    def encode_visible(self, x_BCHW: Tensor, visible_B1HW: Tensor, y_B: Tensor) -> Tensor:
        """Return the features of the visible pixels at each position, (B, T, S)."""
        features_BTS: Tensor = self.seen(masked_input(x_BCHW, visible_B1HW), y_B).view(
            len(y_B), self.length, FEATURES_PER_POSITION
        )
        return features_BTS

    def loss(
        self, x_BCHW: Tensor, visible_B1HW: Tensor, y_B: Tensor, z_BD: Tensor, generator: torch.Generator
    ) -> Tensor:
        """See `InpaintingEncoder.loss`.

        The masked fraction is uniform and the loss is the mean over masked codes, times T: on average the negative
        log-likelihood of revealing the codes in a random order (Uria et al. 2014, eq. 6).
        """
        hidden_B1 = torch.randint(1, self.length + 1, (len(y_B), 1), generator=generator, device=generator.device)
        rank_BT = torch.rand(z_BD.shape, generator=generator, device=generator.device).argsort(dim=1).argsort(dim=1)
        hidden_BT = rank_BT < hidden_B1
        logits_BTK = self(self.encode_visible(x_BCHW, visible_B1HW, y_B), z_BD.masked_fill(hidden_BT, self.codes))
        nll_BT = cross_entropy(logits_BTK.transpose(1, 2), z_BD, reduction="none")
        return (nll_BT * hidden_BT).sum(dim=1) / hidden_B1[:, 0] * self.length

    @torch.no_grad()
    def draw(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, count: int, generator: torch.Generator) -> Latent:
        """See `InpaintingEncoder.draw`."""
        y_1 = torch.full((1,), label, device=x_CHW.device)
        features_STS = self.encode_visible(x_CHW[None], visible_1HW[None], y_1).expand(count, -1, -1)
        shown_ST = torch.full((count, self.length), self.codes, device=x_CHW.device)
        for number in range(1, ROUNDS + 1):
            progress = number / ROUNDS
            logp_STK = self(features_STS, shown_ST).log_softmax(dim=2)
            flat_codes = torch.multinomial(logp_STK.exp().flatten(0, 1), 1, generator=generator)
            drawn_ST = flat_codes.view(count, self.length)
            uniform_ST = torch.rand(drawn_ST.shape, generator=generator, device=generator.device).clamp(1e-9, 1 - 1e-9)
            gumbel_ST = -(-uniform_ST.log()).log()
            confidence_ST = (
                logp_STK.gather(2, drawn_ST[..., None])[..., 0] + INITIAL_TEMPERATURE * (1 - progress) * gumbel_ST
            )
            missing_ST = shown_ST == self.codes
            confidence_ST = confidence_ST.masked_fill(~missing_ST, math.inf)  # what is revealed stays
            drawn_ST = torch.where(missing_ST, drawn_ST, shown_ST)
            num_hidden = math.floor(self.length * math.cos(0.5 * math.pi * progress))
            rank_ST = confidence_ST.argsort(dim=1).argsort(dim=1)  # the least sure come first
            shown_ST = drawn_ST.masked_fill(rank_ST < num_hidden, self.codes)
        return unflatten(shown_ST, self.like)
