"""The network between patches and latents."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import silu


class ResidualMLP(nn.Module):
    """Inputs (B, I) and labels (B,) to outputs (B, O):  h = A x + e(y);  h <- h + silu(W h), `depth` times;  out = B h.

    The path past the residual layers is linear, so the network starts near a principal component analysis.
    """

    def __init__(self, inputs: int, outputs: int, *, hidden: int, depth: int, num_classes: int = 0) -> None:
        super().__init__()
        self.inputs = nn.Linear(inputs, hidden)
        self.classes = nn.Embedding(num_classes, hidden) if num_classes else None
        self.layers = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(depth))
        self.outputs = nn.Linear(hidden, outputs)
        if self.classes is not None:
            nn.init.zeros_(self.classes.weight)  # classes start alike and part where the data asks for it

    def forward(self, x_BI: Tensor, y_B: Tensor) -> Tensor:
        """Return the outputs."""
        h_BH: Tensor = self.inputs(x_BI)
        if self.classes is not None:
            h_BH = h_BH + self.classes(y_B)
        for layer in self.layers:
            h_BH = h_BH + silu(layer(h_BH))
        out_BO: Tensor = self.outputs(h_BH)
        return out_BO
