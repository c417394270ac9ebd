"""Completing one image: latents are proposed, decoded, and weighted by how well they explain the visible pixels."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vaeaug.contracts import Latent, leaves, tree_map
from vaeaug.errors import InputError, nearest
from vaeaug.inpainting.encoder_store import InpaintingEncoder, load_inpainting_encoder
from vaeaug.inpainting.gibbs import Gibbs
from vaeaug.inpainting.visible import composite, visible_loss
from vaeaug.inpainting.weights import WeightedCompletions, tempered, weigh
from vaeaug.models.network import Network
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of

METHODS = ("auto", "partial-encoder", "gibbs")
"""`auto` is the inpainting encoder if there is one, otherwise `gibbs`."""

GIBBS_STEPS = 50
MEAN_FRACTION = 0.25  # of the draws count towards a mean
MAX_STARTS = 256  # stored latents at most that chains may begin with
MAX_OPEN_NETWORKS = 32  # kept in memory, of a model with a network a class


@dataclass(frozen=True, slots=True)
class Completion:
    """The completions of one image.

    Attributes:
        images_SCHW: the completions at the model's size, in [0, 1], with the visible pixels of the image.
        decoded_SCHW: the same with decoded visible pixels, from which the seam is computed.
        evidence_K: log p(visible pixels | class) in nats up to a shared constant; None if the class is known.
    """

    images_SCHW: Tensor
    decoded_SCHW: Tensor
    label: int
    evidence_K: Tensor | None


class Completer:
    """Completes images with a trained model.

    Args:
        method: one of `METHODS`.
        draws: latents tried for each completion.
        encoder: by default that in the model's directory.
    """

    def __init__(
        self, model: StoredModel, *, method: str = "auto", draws: int = 16, encoder: InpaintingEncoder | None = None
    ) -> None:
        if method not in METHODS:
            raise InputError(f"there is no method {method!r}; {nearest(method, METHODS)}")
        if method != "gibbs" and encoder is None:
            encoder = load_inpainting_encoder(model)
        if method == "partial-encoder" and encoder is None:
            raise InputError(
                f"{model.directory} has no inpainting encoder; train it with: vaeaug train --inpainting, or use "
                "--method gibbs, which needs none"
            )
        self.model, self.draws = model, draws
        self.encoder = None if method == "gibbs" else encoder
        self._networks: OrderedDict[int, Network] = OrderedDict()
        self._stored: dict[int, Latent] = {}

    @torch.no_grad()
    def complete(self, x_CHW: Tensor, visible_1HW: Tensor, label: int | None, *, samples: int, seed: int) -> Completion:
        """Complete one image; one sample is the best single guess, several are independent draws.

        Args:
            x_CHW: in [0, 1] at the model's size; the content of the hole is ignored.
            visible_1HW: 1 where a pixel is visible, 0 where it is missing.
            label: if None, the class that explains the visible pixels best.
        """
        x_CHW = x_CHW.to(self.model.device, torch.float32)
        visible_1HW = (visible_1HW > 0).to(self.model.device, torch.float32)
        count = samples * self.draws
        evidence_K = None
        if label is None:
            evidence_K = self._evidence(x_CHW, visible_1HW, seed)
            label = int(evidence_K.argmax())
        propose = self._run_chains if self.encoder is None else self._propose
        proposals = propose(x_CHW, visible_1HW, label, count, seed)
        if samples == 1:
            decoded_SCHW = _best(proposals, indexed=self.model.spec.palette is not None)
        else:
            decoded_SCHW = _drawn(proposals, samples, self._generator(seed, "choose", label))
        return Completion(
            composite(x_CHW[None], decoded_SCHW, visible_1HW[None]).cpu(),
            decoded_SCHW.cpu(),
            label,
            None if evidence_K is None else evidence_K.cpu(),
        )

    def _evidence(self, x_CHW: Tensor, visible_1HW: Tensor, seed: int) -> Tensor:
        """Return the evidence of the visible pixels for each class, (K,).

        The classifier of the inpainting encoder computes it: trained on equally many decoded images of each class, its
        log-probabilities are log p(visible pixels | class) up to a constant. Without an inpainting encoder each class
        is tried.
        """
        if self.encoder is not None:
            return self.encoder.class_logits(x_CHW[None], visible_1HW[None])[0].log_softmax(dim=0)
        proposals = [
            self._propose(x_CHW, visible_1HW, label, self.draws, seed) for label in range(len(self.model.classes))
        ]
        return torch.stack([class_proposals.evidence for class_proposals in proposals])

    def _propose(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, count: int, seed: int) -> WeightedCompletions:
        generator = self._generator(seed, "propose", label)
        if self.encoder is None:
            latent = self._nearest(x_CHW, visible_1HW, label, count)
        else:
            latent = self.encoder.draw(x_CHW, visible_1HW, label, count, generator)
            explain = partial(self._visible_loss, x_CHW, visible_1HW, label)
            latent = self.encoder.refine(latent, x_CHW, visible_1HW, label, explain)
        return weigh(self._network(label), x_CHW, visible_1HW, label, latent, generator)

    def _run_chains(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, count: int, seed: int) -> WeightedCompletions:
        """Run chains from the nearest training images and return their ends."""
        generator = self._generator(seed, "walk", label)
        chains = Gibbs(self._network(label), x_CHW, visible_1HW, label)
        states = chains.begin(self._nearest(x_CHW, visible_1HW, label, count), generator)
        for _ in range(GIBBS_STEPS):
            states, _ = chains.step(states, generator)
        weight_N = torch.zeros_like(states.visible_S) if states.log_prior_S is not None else -states.visible_S
        y_S = torch.full((len(weight_N),), label, device=x_CHW.device)
        decoded_SCHW = chains.network.loss.image(chains.network.variant.decode(states.latent, y_S))
        return WeightedCompletions(decoded_SCHW, weight_N)

    def _nearest(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, count: int) -> Latent:
        """Return the latents of those training images that explain the visible pixels best, in turn."""
        if label not in self._stored:
            latent = self.model.latents(label).latents.latent
            total = len(leaves(latent)[0])
            chosen = torch.linspace(0, total - 1, min(total, MAX_STARTS)).round().long()
            self._stored[label] = tree_map(lambda leaf: leaf[chosen].to(self.model.device), latent)
        stored = self._stored[label]
        order_N = self._visible_loss(x_CHW, visible_1HW, label, stored).argsort()
        chosen_S = order_N[torch.arange(count, device=order_N.device) % min(len(order_N), self.draws)]
        return tree_map(lambda leaf: leaf[chosen_S], stored)

    def _visible_loss(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, latent: Latent) -> Tensor:
        """Return -log p(visible pixels | z) of N latents, (N,)."""
        network = self._network(label)
        y_N = torch.full((len(leaves(latent)[0]),), label, device=x_CHW.device)
        raw_NRHW = network.variant.decode(latent, y_N)
        return visible_loss(network.loss, raw_NRHW, x_CHW[None], visible_1HW.expand(len(y_N), -1, -1, -1))

    def _network(self, label: int) -> Network:
        """Return a class's network, kept open, for one image may be tried as every class."""
        if label not in self._networks:
            self._networks[label] = self.model.network(label)
            if len(self._networks) > MAX_OPEN_NETWORKS:
                self._networks.popitem(last=False)
        return self._networks[label]

    def _generator(self, seed: int, *use: object) -> torch.Generator:
        return torch.Generator(device=self.model.device).manual_seed(seed_of(seed, "inpaint", *use))


def _best(proposals: WeightedCompletions, *, indexed: bool) -> Tensor:
    """Return the best single guess, (1, C, H, W): the mean, and the most likely where colours cannot be mixed."""
    if indexed:
        return proposals.decoded_NCHW[proposals.log_weight_N.argmax()][None]
    weight_N = tempered(proposals.log_weight_N, MEAN_FRACTION * len(proposals.log_weight_N))
    return (weight_N[:, None, None, None] * proposals.decoded_NCHW).sum(dim=0, keepdim=True)


def _drawn(proposals: WeightedCompletions, samples: int, generator: torch.Generator) -> Tensor:
    """Return independent draws, (S, C, H, W): of S groups of tries, one each, drawn by weight."""
    weight_SK = proposals.log_weight_N.view(samples, -1).softmax(dim=1)
    chosen_S = torch.multinomial(weight_SK, 1, generator=generator)[:, 0]
    return proposals.decoded_NCHW[torch.arange(samples, device=chosen_S.device) * weight_SK.shape[1] + chosen_S]
