"""Lost gradients: which, and by what."""

import re

import pytest
import torch
import torch.nn as nn

from genimg_lib.check.gradients import problem, uses_autograd

X = torch.tensor([0.5, -1.0, 2.0])


def right(x):
    return (x**3).sum()


def under_no_grad(x):
    with torch.no_grad():
        return right(x)


def half_detached(x):
    return (x.detach() * x**2).sum()


def rebuilt(x):
    return torch.tensor([v.item() ** 3 for v in x]).sum()


def spoilt(x):
    square = x**2
    cube = square * x
    square.zero_()
    return cube.sum()


def by_numpy(x):
    return torch.from_numpy(x.detach().numpy() ** 3).sum()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (right, None),
        (lambda x: sum(v**3 for v in x), None),
        (lambda x: torch.stack([v**3 for v in x]).sum(), None),
        (lambda x: right(x).detach(), r"no gradient reaches `x`.*detach\(\) cuts it off"),
        (lambda x: right(x).item(), r"no gradient reaches `x`.*\.item\(\) makes a plain number"),
        (lambda x: float(right(x)), r"no gradient reaches `x`.*float\(\) makes a plain number"),
        (lambda x: sum(v**3 for v in x.tolist()), r"no gradient reaches `x`.*\.tolist\(\)"),
        (lambda x: right(x.data), r"no gradient reaches `x`.*\.data cuts it off"),
        (under_no_grad, r"no gradient reaches `x`.*no_grad"),
        (rebuilt, r"no gradient reaches `x`"),
        (by_numpy, r"no gradient reaches `x`.*numpy"),
        (half_detached, r"gradient by `x` is not, and a part of it is lost: \.detach"),
        (lambda x: right(x) + (0 * x).abs().sqrt().sum(), "not finite"),
        (spoilt, "cannot be differentiated: .*modified by an inplace operation"),
        (lambda x: x.numpy().sum(), "where `x` requires a gradient it stops with"),
    ],
)
def test_a_lost_gradient_is_noticed_and_what_cut_it_is_named(answer, said):
    found = problem(answer, right, (X,), ("x",), ("x",))
    assert found is None if said is None else re.search(said, found), found


def test_the_form_of_several_results_does_not_matter():
    def both(x):
        return x.exp().sum(), (x**2).sum()

    for form in (list, torch.stack, lambda pair: torch.stack(pair).double()):
        assert problem(lambda x, form=form: form(both(x)), both, (X,), ("x",), ("x",)) is None


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.weight * x**3


def penalty(critic, x, create_graph=True, cut=lambda slope: slope):
    x = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=create_graph)
    return cut(slope).square().sum()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (penalty, None),
        (lambda critic, x: penalty(critic, x, create_graph=False), "create_graph=True"),
        (
            lambda critic, x: penalty(critic, x, cut=torch.Tensor.detach),
            r"\.detach\(\) cuts it off",
        ),
        (lambda critic, x: penalty(critic, x).item(), r"\.item\(\)"),
    ],
)
def test_a_forgotten_graph_and_detach_are_told_apart(answer, said):
    found = problem(answer, penalty, (Critic(), X), ("critic", "x"), ("critic",))
    assert found is None if said is None else said.replace("\\", "") in found, found
    assert said != "create_graph=True" or "detach" not in found


def test_a_gradient_where_none_belongs_is_noticed():
    def both(D, G):
        return D(G(X)).sum()

    def one(D, G):
        return D(G(X).detach()).sum()

    found = problem(both, one, (Critic(), Critic()), ("D", "G"), ("D",), ("G",))
    assert "gradients reach `G` as well" in found
    assert problem(one, one, (Critic(), Critic()), ("D", "G"), ("D",), ("G",)) is None


def test_autograd_is_seen():
    def by_autograd(x):
        x = x.clone().requires_grad_()
        return torch.autograd.grad((x**2).sum(), x)[0]

    def by_backward(x):
        x = x.detach().clone().requires_grad_()
        (x**2).sum().backward()
        return x.grad

    assert uses_autograd(by_autograd, (X,)) and uses_autograd(by_backward, (X,))
    assert not uses_autograd(lambda x: 2 * x, (X,))
