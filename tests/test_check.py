"""The checks of the exercises: right answers pass, every catalogued mistake is recognised by its own explanation, anything else is explained too."""

import math

import pytest
import torch

from genimg_lib import check
from genimg_lib.check.judge import CATALOGUE, Check, Property, Wrong

MISTAKES = [(name, text) for name, c in CATALOGUE.items() for text in c.mistakes]


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_right_answer_passes(name, capsys):
    CATALOGUE[name](CATALOGUE[name].right)
    assert f"✓ {name}: right" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "text"), MISTAKES)
def test_every_catalogued_mistake_is_explained(name, text):
    with pytest.raises(Wrong) as caught:
        CATALOGUE[name](CATALOGUE[name].mistakes[text])
    assert text in str(caught.value)


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_unwritten_answer_is_asked_for(name):
    def stub(*_):
        raise NotImplementedError()

    with pytest.raises(Wrong, match="not written yet"):
        CATALOGUE[name](stub)


@pytest.mark.parametrize("name", CATALOGUE)
def test_nonsense_is_refused_with_a_reason(name):
    for nonsense in (
        lambda *_: None,
        lambda *_: "text",
        lambda *_: torch.full((2, 2), math.nan),
        lambda *_: 1 / 0,
        lambda *_: object(),
        lambda *_: [[1.0], [2.0, 3.0]],
        lambda *_: ("a", "b"),
        lambda: 0 if name != "losses_at_zero" else None,
    ):
        with pytest.raises(Wrong, match=f"^{name}: .{{15,}}"):
            CATALOGUE[name](nonsense)
    with pytest.raises(Wrong, match="give the function itself"):
        CATALOGUE[name](3.0)


def test_checks_are_named_as_they_are_called():
    assert all(getattr(check, name) is c for name, c in CATALOGUE.items())
    assert set(check.__all__) == set(CATALOGUE) | {"CATALOGUE", "Wrong"}


def test_every_check_knows_at_least_two_mistakes():
    assert all(len(c.mistakes) >= 2 for c in CATALOGUE.values())


def _double(x):
    return 2.0 * x


@pytest.fixture
def doubling(monkeypatch):
    monkeypatch.delitem(CATALOGUE, "double", raising=False)
    yield Check(
        "double",
        _double,
        [(torch.tensor([1.0, -2.0]),), (torch.tensor([3.0, 0.5]),)],
        {"squared": lambda x: x**2},
    )
    CATALOGUE.pop("double")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda x: 6.0 * x, "3 times the right answer"),
        (lambda x: 2.0 * x[:1], r"shape \[1\] where \[2\] is wanted"),
        (lambda x: 2.0 * x + 1, r"it gives \[3.0, -3.0\]; right is \[2.0, -4.0\]"),
        (lambda x: x / 0, "not a finite number"),
        (lambda x: x ^ 2, r"a power is \*\*"),
        (lambda x: (x, x), "should give one result"),
        (lambda x: x**2, "squared"),
    ],
)
def test_what_no_catalogue_knows_is_explained(doubling, answer, reason):
    with pytest.raises(Wrong, match=reason):
        doubling(answer)


def test_an_answer_that_fails_on_some_inputs_only_is_explained(doubling):
    with pytest.raises(Wrong, match="double: "):
        doubling(lambda x: 6.0 * x if x[0] > 2 else None)
    for nothing in (None, torch.ones(3)):
        with pytest.raises(
            Wrong, match=r"it gives \[6.0, -12.0\]"
        ):  # and no talk of a factor, which the second input does not have
            doubling(lambda x, nothing=nothing: 6.0 * x if x[0] < 2 else nothing)


def test_an_answer_cannot_spoil_the_inputs(doubling):
    def in_place(x):
        x *= 2
        return x

    doubling(in_place)
    doubling(_double)


def test_two_checks_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two checks called 'kl'"):
        Check("kl", _double, [])


def test_properties_need_no_cases():
    assert all(c.cases or isinstance(c, Property) for c in CATALOGUE.values())
