"""Calling an answer safely: copies, settings, and what it changed."""

import random

import numpy as np
import pytest
import torch
import torch.nn as nn

from genimg_lib.check import guard
from genimg_lib.check.guard import call, known_settings
from genimg_lib.check.wrong import Unwritten


def in_place(x):
    x *= 2
    return x


def through_data(x):
    x.data.add_(1)
    return x


def by_numpy(x):
    x.numpy()[...] = 0
    return x


def switches_gradient_on(x):
    x.requires_grad_()
    return (2 * x).detach()


def leaves_a_gradient(x):
    x.requires_grad_()
    x.sum().backward()
    x.requires_grad_(False)
    return x.grad.clone()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (in_place, "changes its argument `x` in place"),
        (through_data, "changes its argument `x` in place"),
        (by_numpy, "changes its argument `x` in place"),
        (lambda x: x.unsqueeze_(0), "changes its argument `x` in place"),
        (switches_gradient_on, "switches on requires_grad on the caller's `x`"),
        (leaves_a_gradient, "leaves a gradient behind in the caller's `x.grad`"),
    ],
)
def test_a_changed_tensor_is_noticed_and_the_caller_keeps_his(answer, said):
    x = torch.tensor([1.0, 2.0])
    outcome = call(answer, (x,), ("x",))
    assert said in outcome.changes[0]
    assert torch.equal(x, torch.tensor([1.0, 2.0])) and not x.requires_grad and x.grad is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: 2 * x,
        lambda x: x.clone().mul_(2),
        lambda x: x.detach().clone().requires_grad_(),
        lambda x: x.detach().requires_grad_() * 2,
        lambda x: x[None],
    ],
)
def test_a_copy_may_be_changed(answer):
    assert not call(answer, (torch.ones(2),), ("x",)).changes


def backward_inside(D):
    D(torch.ones(1, 2)).sum().backward()
    return 0.0


def trains(D):
    with torch.no_grad():
        D.weight.add_(1)
    return 0.0


def zero_grad(D):
    D.zero_grad()
    for weight in D.parameters():
        weight.requires_grad_(False)
    value = D(torch.ones(1, 2)).item()
    for weight in D.parameters():
        weight.requires_grad_(True)
    return value


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (backward_inside, "leaves gradients behind in the weights of `D`"),
        (trains, "changes the weights of `D`"),
        (lambda D: D.eval() and 0.0, "leaves `D` in evaluation mode"),
        (lambda D: D.requires_grad_(False) and 0.0, "with requires_grad switched"),
        (zero_grad, ""),
    ],
)
def test_a_changed_network_is_noticed(answer, said):
    D = nn.Linear(2, 1)
    changes = call(answer, (D,), ("D",)).changes
    assert said in (changes or [""])[0] and bool(changes) == bool(said)
    assert D.training and all(w.grad is None and w.requires_grad for w in D.parameters())


@pytest.mark.parametrize(
    "answer",
    [lambda s: s.pop(), lambda s: s.append(1), lambda s: s.__setitem__(0, 5), lambda s: s.sort()],
)
def test_a_changed_list_is_noticed(answer):
    given = [3, 1, 2]
    assert "the caller's list `sizes`" in call(answer, (given,), ("sizes",)).changes[0]
    assert given == [3, 1, 2]


def test_settings_are_known_inside_and_put_back():
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    try:
        with known_settings():
            assert torch.is_grad_enabled() and torch.ones(1).dtype == torch.float32
            torch.manual_seed(1)
            random.seed(1)
            np.random.seed(1)
            torch.set_grad_enabled(False)
            torch.set_default_dtype(torch.float16)
        assert not torch.is_grad_enabled() and torch.get_default_dtype() == torch.float64
        assert torch.equal(torch.get_rng_state(), states[0]) and random.getstate() == states[1]
        assert (np.random.get_state()[1] == states[2]).all()
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(torch.float32)


def test_an_answer_that_seeds_does_not_seed_the_cells_after_it():
    state = torch.get_rng_state()
    with known_settings():
        call(lambda: torch.manual_seed(0) and 0.0, ())
    assert torch.equal(torch.get_rng_state(), state)


def test_settings_are_put_back_after_an_error():
    torch.set_grad_enabled(False)
    try:
        with pytest.raises(ValueError), known_settings():
            raise ValueError
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_tensors_are_made_on_the_cpu_whatever_the_default_device():
    torch.set_default_device("meta")
    try:
        with known_settings():
            assert torch.ones(1).device.type == "cpu"
        assert torch.ones(1).device.type == "meta"
    finally:
        torch.set_default_device(None)


def test_inference_mode_of_a_cell_does_not_reach_the_answer():
    with torch.inference_mode(), known_settings():
        assert torch.ones(1, requires_grad=True).mul(2).requires_grad


def test_an_answer_draws_the_same_numbers_each_time_it_is_judged():
    first, again = (
        call(lambda: (torch.rand(2), random.random(), np.random.rand()), ()).value for _ in range(2)
    )
    assert torch.equal(first[0], again[0]) and first[1:] == again[1:]


def test_an_error_is_an_outcome_with_its_line():
    def divides(x):
        return 1 / x

    outcome = call(divides, (0,))
    assert isinstance(outcome.error, ZeroDivisionError) and outcome.line == "return 1 / x"
    with pytest.raises(Unwritten):
        call(lambda: (_ for _ in ()).throw(NotImplementedError()), ())


def test_names_are_the_answers_own_where_it_has_them():
    assert guard.names_of(lambda a, b: 0, 2) == ("a", "b")
    assert guard.names_of(lambda *all: 0, 2, ("x", "y")) == ("x", "y")


@pytest.mark.parametrize(
    ("answer", "fits"),
    [(lambda x: 0, False), (lambda x, y: 0, True), (lambda x, y, z=1: 0, True), (max, True)],
)
def test_the_number_of_parameters_is_looked_at_before_the_call(answer, fits):
    problem = guard.arity_problem(answer, (1, 2), ("x", "y"))
    assert (problem is None) == fits
    assert fits or "expected a function of 2 arguments (x, y), got one of (x)" in problem
