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
from vaeaug.inpainting.pixel_blend import decoded_only, gaussian_only, guesses, weight_maps
from vaeaug.inpainting.visible import composite, visible_loss
from vaeaug.inpainting.weights import WeightedCompletions, tempered, weigh
from vaeaug.models.network import Network
from vaeaug.models.pixel_gaussians import load_pixel_gaussians
from vaeaug.models.store import StoredModel
from vaeaug.seeds import seed_of

METHODS = ("auto", "blend", "partial-encoder", "gaussian", "gibbs")
"""`auto` is `blend` if the model has Gaussians over pixels and an inpainting encoder, `partial-encoder` if it has the
encoder only, and otherwise `gibbs`."""

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
        method: one of `METHODS`; the attribute is the one that `auto` stands for.
        draws: latents tried for each completion.
        encoder: by default that in the model's directory.

    Raises:
        InputError: if there is no such method, or if the model lacks what it needs.
    """

    def __init__(
        self, model: StoredModel, *, method: str = "auto", draws: int = 16, encoder: InpaintingEncoder | None = None
    ) -> None:
        if method not in METHODS:
            raise InputError(f"there is no method {method!r}; {nearest(method, METHODS)}")
        if method != "gibbs" and encoder is None:
            encoder = load_inpainting_encoder(model)
        self.gaussians = load_pixel_gaussians(model) if method in ("auto", "blend", "gaussian") else None
        if method == "auto":
            method = "gibbs" if encoder is None else "partial-encoder" if self.gaussians is None else "blend"
        if method in ("blend", "gaussian") and self.gaussians is None:
            raise InputError(_why_no_gaussians(model))
        if method in ("blend", "partial-encoder") and encoder is None:
            raise InputError(
                f"{model.directory} has no inpainting encoder; train it with: vaeaug train --inpainting, or use "
                "--method gibbs, which needs none"
            )
        self.model, self.draws, self.method = model, draws, method
        self.encoder = None if method == "gibbs" else encoder
        self._weights_FKE = gaussian_only() if method == "gaussian" else decoded_only()
        if method == "blend" and encoder is not None:
            self._weights_FKE = encoder.blend_weights_FKE.cpu()
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
        evidence_K = None
        if label is None:
            evidence_K = self._evidence(x_CHW, visible_1HW, seed)
            label = int(evidence_K.argmax())
        decoded_SCHW = self._guess(x_CHW, visible_1HW, label, samples, seed)
        return Completion(
            composite(x_CHW[None], decoded_SCHW, visible_1HW[None]).cpu(),
            decoded_SCHW.cpu(),
            label,
            None if evidence_K is None else evidence_K.cpu(),
        )

    def _guess(self, x_CHW: Tensor, visible_1HW: Tensor, label: int, samples: int, seed: int) -> Tensor:
        """Return completions with their visible pixels as decoded, (S, C, H, W): the best guess, or draws around it.

        Deviations from the best guess are those of the latents and of the Gaussians, so weighted that their variances
        mix as the guesses do.
        """
        weight_EHW = weight_maps(self._weights_FKE, visible_1HW).to(x_CHW.device)[:, None]
        mean_1CHW, drawn_SCHW = self._decode(
            x_CHW, visible_1HW, label, samples, seed, needed=bool(weight_EHW[:2].any())
        )
        if self.gaussians is None or bool((weight_EHW[0] == 1).all()):
            return drawn_SCHW
        guesses_ECHW = guesses(mean_1CHW[0], x_CHW, visible_1HW, self.gaussians, weight_EHW)
        best_CHW = (weight_EHW * guesses_ECHW).sum(dim=0)
        if samples == 1:
            return best_CHW[None].clamp(0, 1)
        generator = self._generator(seed, "pixels", label)
        scale_EHW = weight_EHW.sqrt()
        deviation_SCHW = (weight_EHW[0] + weight_EHW[1]).sqrt() * (drawn_SCHW - mean_1CHW)
        for scale_HW, gaussian in zip(scale_EHW[1:], (self.gaussians.residuals, self.gaussians.images), strict=True):
            if bool(scale_HW.any()):
                deviation_SCHW = deviation_SCHW + scale_HW * gaussian.deviations(visible_1HW, samples, generator)
        return (best_CHW + deviation_SCHW).clamp(0, 1)

    def _decode(
        self, x_CHW: Tensor, visible_1HW: Tensor, label: int, samples: int, seed: int, *, needed: bool
    ) -> tuple[Tensor, Tensor]:
        """Return the mean of what the model decodes, (1, C, H, W), and as many draws as asked for; of one, the mean."""
        if not needed:
            return x_CHW[None], x_CHW.expand(samples, -1, -1, -1)
        propose = self._run_chains if self.encoder is None else self._propose
        proposals = propose(x_CHW, visible_1HW, label, samples * self.draws, seed)
        mean_1CHW = _best(proposals, indexed=self.model.spec.palette is not None)
        if samples == 1:
            return mean_1CHW, mean_1CHW
        return mean_1CHW, _drawn(proposals, samples, self._generator(seed, "choose", label))

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


def _why_no_gaussians(model: StoredModel) -> str:
    if model.spec.palette is not None:
        return f"{model.directory} is for indexed images, whose colours cannot be mixed; use --method auto"
    return f"{model.directory} has no Gaussians over pixels; train the model again, or use --method auto"


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
