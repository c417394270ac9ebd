"""Options of the training loop, with defaults and ranges. The command line is made from them."""

from __future__ import annotations

from dataclasses import dataclass

from vaeaug.options import option


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Options of the training loop. The first limit of `epochs`, `steps` and `time_budget` ends the training."""

    epochs: int | None = option(None, "Passes over the training images.", minimum=1)
    steps: int | None = option(
        None,
        "Optimizer steps. If several of --epochs, --steps and --time-budget are given, the first limit that is reached "
        "ends the training. If none is given, the number of steps is chosen from the number of images.",
        minimum=1,
    )
    time_budget: float | None = option(
        None,
        "Time limit for the whole command, e.g. 60s or 10m. Training ends early enough to leave time for the rest.",
        minimum=0.1,
    )
    batch_size: int = option(128, "Images per step (at most half of the training images).", minimum=1)
    learning_rate: float = option(3e-3, "Peak learning rate of AdamW.", minimum=0, maximum=1)
    weight_decay: float = option(0.01, "Decoupled weight decay of AdamW.", minimum=0)
    warmup: float = option(0.05, "Fraction of the training during which the learning rate rises.", minimum=0, maximum=1)
    clip: float = option(
        4.0,
        "Scale down gradients whose norm exceeds this many times its running average; 0 disables clipping.",
        minimum=0,
    )
    ema: float = option(
        0.998, "Decay of the moving average of the weights that is stored; 0 disables it.", minimum=0, maximum=0.99999
    )
    kl_annealing: str = option(
        "linear", "Schedule by which the KL weight rises.", choices=("none", "linear", "cosine", "cyclical")
    )
    kl_warmup: float = option(
        0.2, "Fraction of the training (or of each cycle) during which the KL weight rises.", minimum=0, maximum=1
    )
    kl_cycles: int = option(4, "Number of cycles for --kl-annealing cyclical.", minimum=1)
    free_bits: float = option(
        0.0, "Nats of each KL term (not of each dimension) that are not penalized.", minimum=0, maximum=1e6
    )
    consistency: float = option(
        0.0,
        "Weight of the KL divergence between the posteriors of an augmented copy and of its image (CR-VAE); 0 disables "
        "it. It makes features that change little under augmentation. The model is also trained on the copies. By "
        "default they are made by a random crop, scale and rotation, and for colour images by changes of brightness "
        "and contrast; --train-augment sets another pipeline.",
        minimum=0,
        maximum=1e6,
    )
    patience: int = option(12, "Validations without improvement before training stops; 0 never stops early.", minimum=0)
