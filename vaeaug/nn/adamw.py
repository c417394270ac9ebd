"""AdamW with the numbers of `torch.optim.AdamW`, but without the modules that it imports.

Every optimizer class of torch imports the compiler (`torch._dynamo`, sympy) when it is constructed, even if nothing is
compiled. This costs three seconds of CPU time in each process that trains. The functions below these classes do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim.adamw import adamw

EPSILON = 1e-8


class AdamW:
    """AdamW (Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019); Adam if `weight_decay` is 0.

    Args:
        parameters: a step changes only those with a gradient.
        fused: update all weights in one pass per step. This rounds differently.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
        fused: bool = False,
    ) -> None:
        self.parameters = list(parameters)
        self._betas, self._weight_decay, self._fused = betas, weight_decay, fused
        self._state: dict[int, dict[str, Tensor]] = {}

    @torch.no_grad()
    def step(self, learning_rate: float, *, beta1: float | None = None) -> None:
        """Take a step with the gradients of the parameters; `beta1` replaces that of the optimizer in this step."""
        numbers = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        parameters = [self.parameters[i] for i in numbers]
        states = [self._state_of(i) for i in numbers]
        adamw(
            parameters,
            [parameter.grad for parameter in parameters if parameter.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=self._fused or None,  # None: torch chooses by device
            amsgrad=False,
            beta1=self._betas[0] if beta1 is None else beta1,
            beta2=self._betas[1],
            lr=learning_rate,
            weight_decay=self._weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def zero_grad(self) -> None:
        """Remove the gradients of the parameters."""
        for parameter in self.parameters:
            parameter.grad = None

    def state(self) -> dict[str, Tensor]:
        """Return the state (not copied): number of the parameter / `step`, `exp_avg` or `exp_avg_sq` -> tensor."""
        return {f"{i}/{key}": tensor for i, state in self._state.items() for key, tensor in state.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Copy a state, named as in `state`, into this optimizer; it may be of another device."""
        self._state = {}
        for name, tensor in state.items():
            number, key = name.split("/")
            self._state_of(int(number))[key].copy_(tensor)

    def _state_of(self, number: int) -> dict[str, Tensor]:
        """Return the state of a parameter, which starts at zero."""
        if number not in self._state:
            parameter = self.parameters[number].detach()
            self._state[number] = {
                "step": torch.zeros((), device=parameter.device if self._fused else "cpu"),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
        return self._state[number]
