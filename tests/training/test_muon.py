"""Muon for convolutions: torch's own steps on the weights as matrices, and on nothing else."""

import pytest
import torch
import torch.nn as nn

from genimg_lib.training import Muon, others
from genimg_lib.training import muon as module


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), nn.GroupNorm(2, 6), nn.Flatten(), nn.Linear(96, 3)
    )


def backward(net, seed=1):
    x = torch.randn(5, 2, 4, 4, generator=torch.Generator().manual_seed(seed))
    net(x).square().mean().backward()


def steps_of_both(lr=0.01):
    """The weights after each of three steps, ours and torch's on the matrix."""
    net = network()
    weight = net[0].weight
    matrix = nn.Parameter(weight.detach().clone().flatten(1))
    theirs = torch.optim.Muon([matrix], lr=lr, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    ours = Muon(net, lr=lr)
    yield weight.detach().flatten(1).clone(), matrix.detach().clone()
    for seed in range(3):  # gradients that differ, or momentum would not show
        ours.zero_grad()
        backward(net, seed)
        matrix.grad = weight.grad.flatten(1).clone()
        theirs.step()
        ours.step()
        yield weight.detach().flatten(1).clone(), matrix.detach().clone()


def test_a_step_is_torchs_on_the_matrix(monkeypatch):
    monkeypatch.setattr(module, "has_bf16", lambda device: True)
    for ours, theirs in steps_of_both():
        torch.testing.assert_close(ours, theirs)


def test_without_bfloat16_it_is_the_same_step_but_for_rounding(monkeypatch):
    monkeypatch.setattr(module, "has_bf16", lambda device: False)
    (before, _), *after = steps_of_both()
    for ours, theirs in after:
        assert not torch.equal(ours, theirs)
        assert (ours - theirs).norm() < 0.02 * (theirs - before).norm()


@pytest.mark.parametrize("shape", [(6, 18), (18, 6), (5, 5)])
def test_the_polynomial_is_applied_to_the_singular_values(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    a, b, c = coefficients = (3.4445, -4.7750, 2.0315)
    U, S, V = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    for _ in range(5):
        S = a * S + b * S**3 + c * S**5
    found = module.orthogonal(matrix, coefficients, 5)
    torch.testing.assert_close(found, U @ torch.diag(S) @ V)
    assert S.min() > 0.6 and S.max() < 1.3


def test_only_convolutions_move_and_the_others_are_told():
    net = network()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    muon = Muon(net)
    backward(net)
    muon.step()
    moved = [name for name, p in net.named_parameters() if not torch.equal(p, before[name])]
    assert moved == ["0.weight"]
    assert len(others(net)) == len(before) - 1


def test_channels_last_takes_the_same_step():
    plain, last = network(), network().to(memory_format=torch.channels_last)
    for net in (plain, last):
        muon = Muon(net, lr=0.01)
        backward(net)
        muon.step()
    torch.testing.assert_close(plain[0].weight, last[0].weight.contiguous())


def test_a_hook_before_the_step_sees_the_gradients():
    """Several processes average them there."""
    net = network()
    muon = Muon(net)
    seen = []

    def look(optimiser, *_):
        seen.extend(p.grad for group in optimiser.param_groups for p in group["params"])

    muon.register_step_pre_hook(look)
    backward(net)
    muon.step()
    torch.testing.assert_close(seen[0], net[0].weight.grad.flatten(1))


def test_gradients_are_forgotten():
    net = network()
    muon = Muon(net)
    backward(net)
    muon.zero_grad()
    before = net[0].weight.detach().clone()
    muon.step()
    assert net[0].weight.grad is None and torch.equal(net[0].weight, before)


def test_weights_and_momentum_that_are_loaded_go_on_as_if_not_interrupted():
    whole, broken = network(), network()
    one, two = Muon(whole, lr=0.01), Muon(broken, lr=0.01)
    for net, muon in ((whole, one), (broken, two)):
        backward(net)
        muon.step()
    again = network()
    three = Muon(again, lr=0.01)
    again.load_state_dict(broken.state_dict())
    three.load_state_dict(two.state_dict())
    for net, muon in ((whole, one), (again, three)):
        muon.zero_grad()
        net.zero_grad()
        backward(net)
        muon.step()
    assert torch.equal(whole[0].weight, again[0].weight)


def test_a_network_without_convolutions_is_refused():
    with pytest.raises(ValueError, match="without"):
        Muon(nn.Linear(2, 2))
