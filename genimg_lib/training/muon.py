"""Muon for convolutions: steps whose directions all count alike."""

import math

import torch
import torch.nn as nn

from genimg_lib.training.machine import has_bf16


class Muon(torch.optim.Muon):
    """torch's Muon, for the weights of a network's convolutions, as matrices [out, in * h * w].

    The momentum of each matrix is made nearly orthogonal before the step. Its rate is
    like Adam's, since a step is scaled to Adam's usual size. torch works on matrices in bfloat16;
    where the device has no instructions for it, that takes longer than the network's own passes
    (torch 2.13.0), and this class takes the same step in float32.
    net: its Conv2d layers are stepped, nothing else; see `others`.
    lr: above 0.
    Raises ValueError for a network without convolutions.
    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the
        scale, Liu et al. 2025 (arXiv:2502.16982), equation 4.
    """

    def __init__(self, net, lr=5e-3):
        weights = convolutions(net)
        if not weights:
            raise ValueError("expected a network with convolutions, got one without")
        matrices = [nn.Parameter(_as_matrix(weight.data)) for weight in weights]
        super().__init__(matrices, lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
        self._weights = weights
        for weight, matrix in zip(weights, matrices, strict=True):
            weight.register_post_accumulate_grad_hook(
                lambda weight, matrix=matrix: _hand_on(weight, matrix)
            )

    @torch.no_grad()
    def step(self, closure=None):
        """A step; returns what closure gives, the loss, if there is one."""
        device = self.param_groups[0]["params"][0].device
        if has_bf16(device):
            return super().step(closure)
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._step_in_float32(matrix, group)
        return loss

    def _step_in_float32(self, matrix, group):
        state = self.state[matrix]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        average, momentum = state["momentum_buffer"], group["momentum"]
        average.lerp_(matrix.grad, 1 - momentum)
        ahead = matrix.grad.lerp(average, momentum) if group["nesterov"] else average
        step = orthogonal(ahead, group["ns_coefficients"], group["ns_steps"], group["eps"])
        of_adams_size = 0.2 * math.sqrt(max(matrix.shape))
        matrix.sub_(group["lr"] * of_adams_size * step)

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of the convolutions."""
        super().zero_grad(set_to_none)
        for weight in self._weights:
            weight.grad = None


def orthogonal(matrix, coefficients, steps, eps=1e-7):
    """The matrix [m, n] with singular values near 1, by a polynomial applied again and again.

    coefficients: a, b, c of a s + b s³ + c s⁵, which each singular value s goes through `steps`
        times, after the matrix was divided by its norm, of eps at least.
    Source: Jordan et al. 2024, the Newton-Schulz iteration.
    """
    a, b, c = coefficients
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / wide.norm().clamp(min=eps)
    for _ in range(steps):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T


def convolutions(net):
    """The weights of all Conv2d layers of a network, each once."""
    return [layer.weight for layer in net.modules() if isinstance(layer, nn.Conv2d)]


def others(net):
    """All parameters that `Muon` does not step."""
    stepped = {id(weight) for weight in convolutions(net)}
    return [p for p in net.parameters() if id(p) not in stepped]


def _as_matrix(weight):
    """[out, rest], in the order of the weight's memory: a step does not hang on that of columns."""
    ordered = weight if weight.is_contiguous() else weight.permute(0, 2, 3, 1)
    return ordered.view(len(weight), -1)


def _hand_on(weight, matrix):
    """The gradient of a weight is that of its matrix, which shares its memory."""
    in_order = weight.is_contiguous()
    grad = weight.grad if in_order else weight.grad.permute(0, 2, 3, 1)
    matrix.grad = grad.reshape(matrix.shape)
