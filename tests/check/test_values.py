"""What an answer gave, made comparable."""

import numpy as np
import pytest
import torch

from genimg_lib.check.values import doubles, equal, kind_of, near, parts_of, same_kind, settled

X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "given",
    [
        X,
        X.double(),
        X.clone().requires_grad_() * 1,
        X.numpy(),
        X.numpy().astype(np.float64),
        X.flip(1).numpy()[:, ::-1],  # negative strides
        X.numpy().astype(">f4"),  # another byte order
        X.to_sparse(),
        [[1.0, 2.0], [3.0, 4.0]],
    ],
)
def test_the_same_numbers_in_another_form_are_the_same(given):
    assert equal(settled(given), settled(X), 1e-6)


@pytest.mark.parametrize(
    "given", [0.5, np.float32(0.5), np.array(0.5), torch.tensor(0.5), torch.tensor(0.5).double()]
)
def test_a_number_may_come_in_any_form(given):
    assert equal(settled(given), 0.5, 1e-6)
    assert equal(settled(given), torch.tensor(0.5), 1e-6)
    assert not equal(settled(given), torch.tensor([0.5]), 1e-6)


@pytest.mark.parametrize(
    "given",
    [
        (1.0, 2.0),
        [1.0, 2.0],
        torch.tensor([1.0, 2.0]),
        np.array([1.0, 2.0]),
        iter((1.0, torch.tensor(2.0))),
    ],
)
def test_a_list_an_iterator_or_one_stacked_tensor_stands_for_a_tuple(given):
    assert equal(settled(given), (1.0, 2.0), 1e-6)


def test_a_tuple_of_tensors_may_be_stacked():
    assert equal(torch.stack([X, 2 * X]), (X, 2 * X), 1e-6)
    assert parts_of(torch.ones(3), (1.0, 1.0)) is None
    assert not equal((X,), (X, X), 1e-6)


@pytest.mark.parametrize(
    "given", [None, "text", object(), {}, [[1.0], [2.0, 3.0]], np.array(["a"]), (X, X), X[0], 1j]
)
def test_what_is_no_such_tensor_is_another_result(given):
    assert not equal(settled(given), X, 1e-6)


def test_the_kind_counts_for_tensors_and_not_for_numbers():
    assert not same_kind(torch.tensor([1]), torch.tensor([1.0]))
    assert not same_kind(torch.tensor([1]), torch.tensor([1], dtype=torch.uint8))
    assert same_kind(torch.tensor([1], dtype=torch.int32), torch.tensor([1]))
    assert same_kind(1, torch.tensor(1.0)) and same_kind(1.0, 1)
    kinds = {
        kind_of(torch.zeros(1).to(d))
        for d in (torch.uint8, torch.int16, torch.bool, torch.float16, torch.cfloat)
    }
    assert kinds == {"bytes", "whole numbers", "truth values", "floats", "complex numbers"}


def test_tolerance_goes_with_the_size_of_the_numbers():
    assert near(
        torch.tensor([100.0, 0.0005]), torch.tensor([100.0, 0.0]), 1e-4
    )  # a tenth of it, of the largest
    assert not near(torch.tensor([100.0, 0.01]), torch.tensor([100.0, 0.0]), 1e-4)
    assert not near(1001, 1000, 0.1)  # whole numbers are exact
    assert near(1000.0, 1000, 0.1)


def test_infinities_have_to_be_alike():
    inf = torch.tensor([torch.inf, 1.0])
    assert near(inf, inf, 1e-6) and not near(-inf, inf, 1e-6)
    assert not near(torch.tensor([torch.nan, 1.0]), inf, 1e-6)
    assert not near(torch.tensor([1.0, torch.inf]), torch.tensor([1.0, 2.0]), 1e-6)


def test_complex_numbers_are_no_result():
    assert doubles(torch.ones(2, dtype=torch.cfloat)) is None
