"""How an answer is judged: right ones in any style, wrong ones with the reason."""

import math
import types

import numpy as np
import pytest
import torch

from genimg_lib.check import MODULES, Wrong
from genimg_lib.check.cases import drawn
from genimg_lib.check.inputs import normal
from genimg_lib.check.judge import Check, Property, checks_of


def double(x):
    return 2.0 * x


DOUBLE = Check(
    "double",
    double,
    [(torch.tensor([1.0, -2.0]),), (torch.tensor([3.0, 0.5, 1.5]),)],
    {"squared": lambda x: x**2, "does not even add": lambda x: x + "1"},
)
AREA = Check("area", lambda h, w: h * w, drawn(lambda h, w: (h, w), count=20, h=(1, 9), w=(1, 9)))
MEANS = Check(
    "means",
    lambda x: x.mean(dim=1),
    drawn(lambda n, d: (normal(n + 10 * d, n, d),), count=12, n=(1, 4), d=(1, 4)),
)


def said(check, answer):
    with pytest.raises(Wrong) as caught:
        check(answer)
    return str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        double,
        lambda x: x + x,
        lambda x: 2 * x.double(),
        lambda x: 2 * x.numpy(),
        lambda x: (2 * x.numpy())[::-1][::-1],
        lambda x: [2 * v for v in x.tolist()],
        lambda x: np.array([2 * float(v) for v in x]),
    ],
)
def test_a_right_answer_passes_in_any_form(answer, capsys):
    DOUBLE(answer)
    assert capsys.readouterr().out == "✓ double: right, on 2 different inputs\n"


def test_gradients_that_a_cell_switched_off_do_not_matter():
    def by_autograd(x):
        x = x.clone().requires_grad_()
        return torch.autograd.grad(x.square().sum(), x)[0]

    with torch.no_grad():
        DOUBLE(by_autograd)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda x: 6.0 * x, "three times what is right, on every input"),
        (
            lambda x: 2.0 * x[:1],
            "expected shape [3] (as long as axis 0 of `x`), got shape [1]: this is the beginning",
        ),
        (lambda x: 2.0 * x + 1, "what is right plus 1, on every input"),
        (lambda x: x / 0, "infinite"),
        (lambda x: x ^ 2, "a power is **"),
        (lambda x: (x, x, x), "got 3 tensors in a list"),
        (lambda x: x**2, "squared"),
        (lambda x: None, "gives None. Does it end with `return`?"),
        (lambda x: x.max(dim=0), "take .values or .indices"),
        (lambda x: (2 * x).long().float() * 0.0, "is 0, on every input"),
        (lambda x: torch.complex(x, x), "got complex numbers"),
        (lambda x: "2x", "got the text '2x'"),
        (
            lambda x: (2 * x).to(torch.int64) if x[0] == 1 else 2 * x,
            "the numbers are right, but of another kind",
        ),
        (lambda: 2.0, "expected a function of one argument, x, got one of ()"),
        (
            lambda x, factor: factor * x,
            "expected a function of one argument, x, got one of (x, factor)",
        ),
    ],
)
def test_what_no_list_knows_is_explained(answer, reason):
    text = said(DOUBLE, answer)
    assert text.startswith("double: ") and reason in text


def test_a_failure_shows_the_smallest_input_whole_and_which_were_right():
    text = said(AREA, lambda h, w: h * w if h < 3 else h + w)
    assert "is wrong exactly where h is above 2, and right otherwise" in text
    assert "area(h=3, w=1): expected 3, got 4" in text  # shrunk: no smaller one fails
    assert "It is right on 7 of 20 inputs, such as area(h=1, w=" in text


def test_a_failure_counts_what_differs_and_shows_the_first():
    text = said(DOUBLE, lambda x: torch.where(x == x.max(), 2 * x + 0.25, 2 * x))
    assert "1 of 2 entries differ, by up to 0.25; the first is [0]: expected 2, got 2.25" in text
    assert "double(x=[1, -2]): expected [2, -4], got [2.25, -4]" in text


def test_a_mistake_that_stops_everywhere_explains_only_the_same_error():
    assert "does not even add" in said(DOUBLE, lambda x: x + "1")
    text = said(DOUBLE, lambda x: x.nothing)
    assert (
        "does not even add" not in text
        and "stops with AttributeError" in text
        and "'nothing'" in text
    )


def test_a_mistake_has_to_agree_where_the_answer_is_wrong_and_stop_where_it_stops():
    check = Check("half", lambda x: x / 2, [(4.0,), (0.0,)], {"upside down": lambda x: 1 / x})
    assert "upside down" in said(check, lambda x: 1 / x)
    assert "ZeroDivisionError" in said(check, lambda x: 1 / x)  # what it stopped with is said too
    assert not said(check, lambda x: 1 / x if x else 7).startswith("half: upside down")
    assert not said(check, lambda x: 3 / x).startswith("half: upside down")


def test_what_an_answer_stops_with_is_always_said_with_the_input():
    def stops(x):
        return 2 * x if len(x) == 2 else undefined  # noqa: F821

    text = said(DOUBLE, stops)
    assert (
        "stops with NameError: name 'undefined' is not defined, in `return 2 * x if len(x) == 2"
        in text
    )
    assert "for double(x=[3, 0.5, 1.5])" in text and "It is right on the other 1 input" in text


def test_where_an_answer_stops_only_here_and_there_the_rest_is_explained_too():
    text = said(DOUBLE, lambda x: x**2 if len(x) == 2 else x.nothing)
    assert "stops with AttributeError" in text and "Where it does not stop: squared" in text


def test_a_right_answer_that_changes_its_argument_is_refused():
    def in_place(x):
        x *= 2
        return x

    assert "the result is right, but it changes its argument `x` in place" in said(DOUBLE, in_place)

    def wrong_too(x):
        x *= 3
        return x

    assert "Besides, it changes its argument `x`" in said(DOUBLE, wrong_too)


def test_randomness_without_a_seed_is_noticed():
    assert "another one each time" in said(DOUBLE, lambda x: 2 * x + torch.randn_like(x))
    rounded = said(DOUBLE, lambda x: x.cos() * (1 + 3e-7 * torch.randn_like(x)))
    assert "another one each time" not in rounded


def test_a_batch_treated_as_one_is_noticed():
    assert "right for each image (or row) alone and wrong for several at once" in said(
        MEANS, lambda x: x.mean(dim=1) + x.max() - x.flatten(1).max(dim=1).values
    )


def test_an_argument_without_influence_is_named():
    assert "does not depend on `w`" in said(AREA, lambda h, w: h**3 + 1)


def test_several_results_are_looked_at_one_by_one():
    check = Check("both", lambda a, b: (a + b, a * b), [(1.0, 5.0), (2.0, 3.0), (4.0, 0.5)])
    assert "the second of the 2 results is twice what is right" in said(
        check, lambda a, b: (a + b, 2 * a * b)
    )
    assert "The first one is right" in said(check, lambda a, b: (a + b, 2 * a * b))
    assert "the two results are exchanged" in said(check, lambda a, b: (a * b, a + b))
    assert "expected 2 results, got one number, 6" in said(check, lambda a, b: a + b)
    check(lambda a, b: torch.tensor([a + b, a * b]))


def test_either_of_two_right_answers_passes_but_not_a_mixture():
    check = Check(
        "spread",
        lambda x: x.std(correction=0),
        [(torch.tensor([1.0, 3.0]),), (torch.tensor([1.0, 2.0, 6.0]),)],
        also_right=(lambda x: x.std(),),
    )
    check(lambda x: x.std(correction=0))
    check(lambda x: x.std())
    said(check, lambda x: x.std(correction=len(x) % 2))


def test_a_result_counts_up_to_what_does_not_matter():
    check = Check("way", lambda x: x, [(torch.tensor([3.0, 4.0]),)], up_to=lambda v: v / v.norm())
    check(lambda x: 7 * x)
    said(check, lambda x: -x)


def test_more_about_a_right_answer_runs_safely():
    check = Check("double", double, DOUBLE.cases, also=lambda answer: 1 / 0)
    assert "what it gives cannot be used: stops with ZeroDivisionError" in said(check, double)


def test_a_property_calls_safely_and_says_what_it_says():
    def holds(ask):
        x = torch.ones(2)
        out = ask(x)
        assert torch.equal(x, torch.ones(2))
        return None if out.sum() == 4 else "the sum is wrong."

    check = Property("double", double, holds)
    check(double)
    check(lambda x: (2 * x).numpy())
    assert said(check, lambda x: x) == "double: the sum is wrong."
    assert "changes its argument `x` in place" in said(check, lambda x: x.mul_(2))
    assert "stops with ZeroDivisionError" in said(check, lambda x: 1 // 0)
    assert "cannot be used: stops with AttributeError" in said(check, lambda x: "text")
    assert "Does it end with `return`?" in said(check, lambda x: None)
    Property("double", double, holds, in_place=True)(lambda x: x.mul_(2))


def test_two_notebooks_may_have_a_check_of_the_same_name():
    first, second = (
        types.SimpleNamespace(double=DOUBLE, other=1),
        types.SimpleNamespace(double=AREA),
    )
    assert checks_of(first) == {"double": DOUBLE} and checks_of(second) == {"double": AREA}


def test_the_package_imports_no_notebook_by_itself():
    import subprocess
    import sys

    code = (
        "import sys, genimg_lib.check; print([m for m in sys.modules if m == 'torch' or 'check.' "
        "in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert eval(done.stdout) == ["genimg_lib.check.wrong"]
    assert len(MODULES) == len(set(MODULES))


def test_a_whole_number_is_exact():
    assert math.isclose(AREA.tolerance, 1e-4)
    said(AREA, lambda h, w: h * w + 1e-5)
