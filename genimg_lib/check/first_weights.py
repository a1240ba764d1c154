"""The check of DCGAN's first weights, which looks into a network."""

import copy

import torch
import torch.nn as nn

from genimg_lib.check.judge import Property
from genimg_lib.check.wording import what_is


def _an_upsampler():
    layers = [
        nn.Linear(3, 7),
        nn.ConvTranspose2d(16, 32, 4),
        nn.BatchNorm2d(800),
        nn.ReLU(),
        nn.Conv2d(32, 24, 5),
    ]
    nn.init.constant_(layers[2].bias, 0.3)
    deep = nn.Sequential(nn.Sequential(nn.Conv2d(24, 24, 5)), nn.GroupNorm(4, 24))
    return nn.Sequential(nn.Sequential(*layers[:3]), *layers[3:], nn.Sequential(deep))


def _first_weights(ask):
    torch.manual_seed(0)
    before = _an_upsampler()
    net = ask(before)
    if not isinstance(net, nn.Module):
        return f"expected the net, with its new weights, got {what_is(net)}. Return it."
    old, new = dict(before.named_parameters()), dict(net.named_parameters())
    if old.keys() != new.keys() or any(old[name].shape != new[name].shape for name in old):
        return "this is not the net that was given. Change its weights and return it."
    return _convolutions(old, new) or _norm(new) or _the_rest(old, new) or _a_copy(ask)


def _a_copy(ask):
    """Whether the net that is given stays as it was."""
    given = _an_upsampler()
    weight = given[2].weight.detach().clone()
    ask.answer(given)
    if torch.equal(weight, given[2].weight):
        return "a copy was changed: the net that is given stays as it was. Change its own weights."
    return None


CONVOLUTIONS = {
    "nn.ConvTranspose2d": "0.1",
    "nn.Conv2d": "2",
    "an nn.Conv2d inside three others": "3.0.0.0",
}


def _convolutions(old, new):
    for kind, place in CONVOLUTIONS.items():
        if not new[f"{place}.weight"].requires_grad:
            return f"the weights of {kind} can no longer be trained: requires_grad is off."
        weight = new[f"{place}.weight"].detach()
        if torch.equal(weight, old[f"{place}.weight"]):
            return (
                f"the weights of {kind} are as torch made them. (Layers may stand inside others: "
                "go through net.modules().)"
            )
        if problem := _drawn(f"the weights of {kind}", weight, 0.0):
            return problem
    return None


def _drawn(what, weight, mean):
    """What is wrong with weights that should be normal around a mean, with deviation 0.02."""
    middle, deviation = weight.mean().item(), weight.std().item()
    if abs(deviation - 0.02**0.5) < 0.005:
        return f"0.02 is the deviation, not the variance: {what} have deviation {deviation:.3f}."
    if abs(deviation - 0.0004) < 0.0001:
        return (
            f"0.02 is the deviation; its square was taken for it: {what} have deviation "
            f"{deviation:.4f}."
        )
    near = max(0.003, 4 * 0.02 / weight.numel() ** 0.5)
    if abs(middle - mean) <= near and deviation > 0.005 and (weight - mean).abs().max() < 0.045:
        return (
            f"{what} never go beyond {(weight - mean).abs().max():.3f}: they are uniform, or cut "
            "off. A normal distribution has a few at 0.06."
        )
    if abs(middle - mean) > near or abs(deviation - 0.02) > 0.003:
        return (
            f"{what} have mean {middle:.4f} and deviation {deviation:.4f}; expected {mean:g} and "
            "0.02."
        )
    return None


def _norm(new):
    scale, shift = new["0.2.weight"].detach(), new["0.2.bias"].detach()
    if scale.mean().abs() < 0.1:
        return (
            "the norm's scales are around 0: it multiplies every map by nearly nothing. A scale "
            "begins around 1."
        )
    if scale.std() < 1e-6:
        return (
            f"the norm's scales are all {scale[0].item():g}. They too are drawn: around 1, with "
            "deviation 0.02."
        )
    if problem := _drawn("the norm's scales", scale, 1.0):
        return problem
    if shift.abs().max() != 0:
        return "the norm's shifts are not 0."
    return None


def _the_rest(old, new):
    for kind, place in CONVOLUTIONS.items():
        if not torch.equal(new[f"{place}.bias"], old[f"{place}.bias"]):
            zero = not new[f"{place}.bias"].any()
            return (
                f"the biases of {kind} were {'set to 0' if zero else 'changed'}; they stay as they "
                "are."
            )
    for name in ("weight", "bias"):
        if not torch.equal(new[f"0.0.{name}"], old[f"0.0.{name}"]):
            what = "weights" if name == "weight" else "biases"
            return (
                f"the {what} of nn.Linear were changed as well: the rule is for convolutions and "
                "batch norms."
            )
        if not torch.equal(new[f"3.0.1.{name}"], old[f"3.0.1.{name}"]):
            return "nn.GroupNorm was changed as well: the rule is for convolutions and batch norms."
    return None


def _normal(weight):
    nn.init.normal_(weight, 0.0, 0.02)


def _initialised(
    net,
    kinds=(nn.Conv2d, nn.ConvTranspose2d),
    draw=_normal,
    scale=1.0,
    spread=0.02,
    shift=0.0,
    bias=False,
):
    for m in net.modules():
        if isinstance(m, kinds):
            draw(m.weight.data)
            if bias:
                nn.init.zeros_(m.bias)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, scale, spread)
            if shift is not None:
                nn.init.constant_(m.bias, shift)
    return net


def _not_inside(net):
    for m in net.children():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0.0, 0.02)
    return net


init_dcgan = Property(
    "init_dcgan",
    lambda net: _initialised(net),
    _first_weights,
    {
        "the norm's scales are around 0": lambda net: _initialised(net, scale=0.0),
        "the norm's scales are all 1": lambda net: _initialised(net, spread=0.0),
        "the norm's shifts are not 0": lambda net: _initialised(net, shift=None),
        "0.02 is the deviation, not the variance": lambda net: _initialised(
            net, draw=lambda w: nn.init.normal_(w, 0.0, 0.02**0.5)
        ),
        "they are uniform": lambda net: _initialised(
            net, draw=lambda w: nn.init.uniform_(w, -0.0346, 0.0346)
        ),
        "the weights of nn.ConvTranspose2d are as torch made them": lambda net: _initialised(
            net, kinds=nn.Conv2d
        ),
        "the weights of nn.Conv2d are as torch made them": lambda net: _initialised(
            net, kinds=nn.ConvTranspose2d
        ),
        "go through net.modules()": _not_inside,
        "expected 0 and 0.02": lambda net: _initialised(
            net, draw=lambda w: nn.init.normal_(w, 1.0, 0.02)
        ),
        "the biases of nn.ConvTranspose2d were set to 0": lambda net: _initialised(net, bias=True),
        "nn.Linear were changed": lambda net: _initialised(
            net, kinds=(nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
        ),
        "expected the net": lambda net: 0,
        "a copy was changed": lambda net: _initialised(copy.deepcopy(net)),
    },
    in_place=True,
)
