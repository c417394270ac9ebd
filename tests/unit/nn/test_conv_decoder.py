"""The convolutional decoder: every image size and number of raw channels, and that labels and places matter."""

import pytest
import torch

from vaeaug.nn import ConvDecoder


def make(channels: int = 1, height: int = 28, width: int = 28, num_classes: int = 3) -> ConvDecoder:
    torch.manual_seed(0)
    return ConvDecoder(features=5, channels=channels, height=height, width=width, num_classes=num_classes)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 256), (9, 13), (28, 28), (31, 64), (100, 75), (256, 256)])
@pytest.mark.parametrize("channels", [1, 6, 256])
def test_any_image_and_number_of_raw_channels(channels: int, height: int, width: int) -> None:
    raw_BRHW = make(channels, height, width)(torch.randn(2, 5), torch.tensor([0, 2]))
    assert raw_BRHW.shape == (2, channels, height, width)
    assert raw_BRHW.isfinite().all()


def test_many_raw_channels_cost_no_more_than_a_linear_map_a_pixel() -> None:
    few, many = (sum(p.numel() for p in make(channels).parameters()) for channels in (12, 256))
    assert many - few == 12 * 256 + 256


def test_labels_count_where_there_are_classes() -> None:
    z_BF, y_B = torch.randn(4, 5), torch.tensor([0, 1, 2, 0])
    conditional, blind = make(), make(num_classes=0)
    torch.nn.init.normal_(conditional.body.classes.weight)  # classes start alike
    assert not torch.allclose(conditional(z_BF, y_B), conditional(z_BF, (y_B + 1) % 3))
    assert torch.equal(blind(z_BF, y_B), blind(z_BF, (y_B + 1) % 3))


def test_an_image_does_not_depend_on_the_others_of_its_batch() -> None:
    decoder, z_BF, y_B = make(), torch.randn(4, 5), torch.tensor([0, 1, 2, 0])
    assert torch.allclose(decoder(z_BF, y_B)[1:2], decoder(z_BF[1:2], y_B[1:2]), atol=1e-5)


def test_it_learns_a_picture_of_its_own_for_every_input() -> None:
    decoder, z_BF, y_B = make(), torch.eye(5), torch.zeros(5, dtype=torch.int64)
    pictures = torch.rand(5, 1, 28, 28)
    optimizer = torch.optim.AdamW(decoder.parameters(), lr=1e-2, weight_decay=0.0)
    for _ in range(150):
        loss = (decoder(z_BF, y_B) - pictures).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2 * pictures.var()
