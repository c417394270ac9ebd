"""A network that a user names, fine-tuned as a whole with a new head.

The head is a linear layer on the features before the network's own classifier (`vaeaug.nn.pretrained_vectors`). It has
to learn from nothing, and pretrained features only have to adapt, so their learning rate is a tenth of its rate.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vaeaug.classifier.fit import ClassifierConfig
from vaeaug.classifier.network import ClassifierNetwork
from vaeaug.errors import InputError
from vaeaug.nn.named_network import RANDOM
from vaeaug.nn.network_input import NetworkInput
from vaeaug.nn.pretrained_vectors import PretrainedVectors, pretrained_vectors

FINE_TUNING = ClassifierConfig(learning_rate=3e-3)
PRETRAINED_RATE, RANDOM_RATE = 0.1, 1 / 3
"""Learning rate of all weights but those of the head, as a fraction of that of the head."""

CHUNK = 32
"""Images that the network receives at a time when it is applied."""


class FineTunedNetwork(ClassifierNetwork):
    """A network with a new head. Build it with `network_builder`.

    Args:
        images: how the network receives images.
        body_rate: learning rate of all weights but those of the head, as a fraction of that of the head.
    """

    chunk = CHUNK

    def __init__(self, vectors: PretrainedVectors, images: NetworkInput, classes: int, body_rate: float) -> None:
        super().__init__()
        self.body = vectors.network
        self.head = nn.Linear(vectors.width, classes)
        self.images = images
        self._vectors, self._body_rate = vectors, body_rate

    def embed(self, x_BCHW: Tensor) -> Tensor:
        """Return the features before the head, (B, F)."""
        # Convolutions are up to half as fast again in this order of memory on a CPU.
        return self._vectors(self.images(x_BCHW).contiguous(memory_format=torch.channels_last))

    def parameter_groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return the weights of the body that the features depend on, and those of the head."""
        used = [parameter for parameter in self.body.parameters() if parameter.requires_grad]
        return [(used, self._body_rate), (list(self.head.parameters()), 1.0)]


def network_builder(
    network: str, weights: str | None, images: NetworkInput, device: torch.device, option: str
) -> Callable[[int], FineTunedNetwork]:
    """Return a function from the number of classes to a network that is ready for fine-tuning, in train mode.

    Args:
        network: by name (`vaeaug.nn.named_network`).
        weights: a state dict file; the published or the callable's own weights if None, random ones if `RANDOM`.
        images: how the network receives images.
        option: how the user names a weights file, for messages.

    The function raises an `InputError` if the network, its weights or its features are missing.
    """

    def build(classes: int) -> FineTunedNetwork:
        vectors = pretrained_vectors(network, weights, None, images.side, device, option, trainable=True)
        body_rate = RANDOM_RATE if weights == RANDOM else PRETRAINED_RATE
        built = FineTunedNetwork(vectors, images, classes, body_rate)
        built.head.to(device)
        if device.type == "cpu":
            built.body.to(memory_format=torch.channels_last)
        return built.train()

    return build


def training_memory(network: FineTunedNetwork, name: str, batch_size: int = FINE_TUNING.batch_size) -> int:
    """Return about how many bytes a training takes, from a step with two images: it is not known before.

    The step also checks that the network can be trained: some only run in eval mode. Its weights do not change.

    Args:
        name: of the network, for the message.

    Raises:
        InputError: if it cannot be trained.
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters() if not parameter.is_meta}
    saved: dict[int, int] = {}  # what autograd keeps until the backward pass

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    images = 2
    x_BCHW = torch.zeros(images, 3, network.images.side, network.images.side, device=network.head.weight.device)
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = network(x_BCHW).sum()
        loss.backward()
    except (MemoryError, torch.cuda.OutOfMemoryError):
        raise
    except Exception as error:  # whatever the code of the network raises
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(
            f"network {name} cannot be trained ({reason}); use --classifier embedding:{name}, which does not train it"
        ) from error
    trained = sum(parameter.nbytes for group, _ in network.parameter_groups() for parameter in group)
    return 4 * trained + sum(saved.values()) * batch_size // images  # with gradients and two moments of AdamW
