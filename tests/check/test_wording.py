"""Values and errors in words."""

import pytest
import torch
import torch.nn.functional as F

from genimg_lib.check.inputs import Critic
from genimg_lib.check.wording import call_of, hint, show, stopped, what_is


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.tensor(0.123456), "0.12346"),
        (torch.tensor([[1.0, -0.5]]), "[[1, -0.5]]"),
        (torch.tensor([1, 2]), "[1, 2]"),
        (torch.arange(100.0), "a tensor [100] from 0 to 99"),
        (torch.zeros(0, 3), "an empty tensor [0, 3]"),
        ((1.0, None), "(1, None)"),
        ([(3, 1, 1)], "[(3, 1, 1)]"),
        (float("inf"), "inf"),
        ("text", "'text'"),
        (Critic(), "critic"),
        (len, "len"),
    ],
)
def test_a_value_is_shown_in_a_few_words(value, words):
    assert show(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(2, 3), "a tensor [2, 3]"),
        ((1, 2), "2 results"),
        (None, "None"),
        ("a", "the text 'a'"),
        (2.5, "one number, 2.5"),
        ({}, "an object of type dict"),
    ],
)
def test_a_result_is_named(value, words):
    assert what_is(value) == words


def test_a_call_is_written_as_the_reader_would():
    assert call_of("kl", ("p", "q"), (torch.tensor([0.5, 0.5]), 2)) == "kl(p=[0.5, 0.5], q=2)"


X = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("stop", "advice"),
    [
        (lambda: X ^ 2, "a power is **"),
        (lambda: 1.5 ^ 2, "a power is **"),
        (lambda: torch.ones(2, dtype=torch.uint8).sub_(0.5), "convert with .float() first"),
        (lambda: torch.ones(2, dtype=torch.int64).mean(), "Convert to floats first"),
        (lambda: X @ X, "is one to be transposed?"),
        (lambda: X + torch.ones(2), "give the smaller one axes of length 1"),
        (lambda: X.sum(dim=2), "Count the axes"),
        (lambda: X @ torch.ones(3, dtype=torch.float64), "dtype=x.dtype"),
        (lambda: __import__("math").exp(X), "for tensors use torch's functions"),
        (lambda: torch.autograd.grad(X.sum(), X), "requires_grad_()"),
        (lambda: torch.cat([X, torch.ones(2)]), "until both have as many"),
        (lambda: np.exp(X), "Import it in a cell above"),  # noqa: F821
        (lambda: X.max(dim=1) + 1, "take .values or .indices"),
        (lambda: [1, 2] * 0.5, "Lists do not calculate"),
        (lambda: None + 1, "Something gives None"),
        (lambda: torch.sqrt(2.0), "for single numbers there is math"),
        (lambda: F.conv2d(X[0], X[0]), "x[None, None]"),
        (lambda: {}["a"], ""),
    ],
)
def test_common_errors_come_with_advice(stop, advice):
    with pytest.raises(Exception) as caught:
        stop()
    assert advice in hint(caught.value) and bool(advice) == bool(hint(caught.value)), caught.value
    assert type(caught.value).__name__ in stopped(caught.value)
