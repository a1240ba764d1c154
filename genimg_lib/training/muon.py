"""Muon for convolutions: steps whose directions all count alike."""

import torch
import torch.nn as nn


class Muon(torch.optim.Muon):
    """torch's Muon, for the weights of a network's convolutions, as matrices [out, in * h * w].

    The momentum of each matrix is made nearly orthogonal before the step. Its rate is
    like Adam's, since a step is scaled to Adam's usual size.
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

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of the convolutions."""
        super().zero_grad(set_to_none)
        for weight in self._weights:
            weight.grad = None


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
