"""The discriminator: every image size, its Lipschitz bound, what eval mode leaves alone, and that it learns."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import softplus

from vaeaug.nn.discriminator import Discriminator


def make(channels: int = 1, height: int = 28, width: int = 28, num_classes: int = 3) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(channels=channels, height=height, width=width, num_classes=num_classes)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 256), (9, 13), (28, 28), (31, 64), (100, 75), (256, 256)])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_image_has_features_and_a_score(channels: int, height: int, width: int) -> None:
    features_BLHW, score_B = make(channels, height, width)(torch.rand(2, channels, height, width), torch.tensor([0, 2]))
    assert features_BLHW.ndim == 4
    assert min(features_BLHW.shape[2:]) >= 2
    assert score_B.shape == (2,)


def test_the_largest_singular_value_of_every_weight_is_one() -> None:
    discriminator = make()
    optimizer = torch.optim.AdamW(discriminator.parameters(), lr=3e-3)
    for _ in range(20):  # also while the weights move
        _, score_B = discriminator(torch.rand(8, 1, 28, 28), torch.arange(8) % 3)
        optimizer.zero_grad()
        score_B.square().mean().sub(score_B.mean()).backward()
        optimizer.step()
    weights = [layer.weight for layer in (*discriminator.layers, discriminator.score, discriminator.classes)]
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.detach().flatten(1), ord=2).item() == pytest.approx(1, abs=0.15)


def test_eval_mode_changes_nothing_and_survives_saving(tmp_path) -> None:
    discriminator, x_BCHW, y_B = make(), torch.rand(4, 1, 28, 28), torch.tensor([0, 1, 2, 0])
    discriminator(x_BCHW, y_B)  # a training step of the power iteration
    discriminator.eval()
    before = {name: tensor.clone() for name, tensor in discriminator.state_dict().items()}
    score_B = discriminator(x_BCHW, y_B)[1]
    assert all(torch.equal(before[name], tensor) for name, tensor in discriminator.state_dict().items())
    save_file(before, tmp_path / "weights.safetensors")
    loaded = make().eval()
    loaded.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(loaded(x_BCHW, y_B)[1], score_B)


def test_the_class_counts_where_there_are_classes() -> None:
    x_BCHW, y_B = torch.rand(4, 1, 28, 28), torch.tensor([0, 1, 2, 0])
    conditional, blind = make().eval(), make(num_classes=0).eval()
    assert not torch.allclose(conditional(x_BCHW, y_B)[1], conditional(x_BCHW, (y_B + 1) % 3)[1])
    assert torch.equal(blind(x_BCHW, y_B)[1], blind(x_BCHW, (y_B + 1) % 3)[1])


def test_it_learns_to_tell_checkerboards_from_their_blurred_kin() -> None:
    discriminator = make(num_classes=0)
    optimizer = torch.optim.AdamW(discriminator.parameters(), lr=3e-3)
    board_HW = (torch.arange(28)[:, None] + torch.arange(28)[None]) % 2
    y_B = torch.zeros(16, dtype=torch.int64)
    for _ in range(30):
        noise_BCHW = 0.1 * torch.rand(16, 1, 28, 28)
        (_, real_B), (_, fake_B) = discriminator(board_HW + noise_BCHW, y_B), discriminator(0.5 + noise_BCHW, y_B)
        loss = (softplus(-real_B) + softplus(fake_B)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.3  # 1.39 is chance
