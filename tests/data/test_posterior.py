"""Which portraits fit what was seen: the chain against sums over all that could be."""

import pytest
import torch

from genimg_lib import data, restore
from genimg_lib.data import portraits

SHRINK = restore.Shrink((16, 16), 4)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def seen(x):
    return SHRINK.measure(x)


def test_the_draws_of_a_factor_come_as_often_as_bayes_says(monkeypatch):
    # all factors but two are known: the chain may move those, and a sum over 6 x 4 is exact
    moved = ("hair_color", "mouth")
    monkeypatch.setattr("genimg_lib.data.portraits.posterior.CATEGORICAL", moved)
    monkeypatch.setattr("genimg_lib.data.portraits.posterior.CONTINUOUS", ())
    n, sigma = 400, 0.05
    _, one = portraits.render(1, 16, seed=10)
    one = {name: value.expand(n).clone() for name, value in one.items()}
    y = seen(data.to_float(portraits.draw(one, 16)[:1]))
    y = (y + sigma * torch.randn(y.shape, generator=seeded(1))).expand(n, -1, -1, -1)
    walk = portraits.fitting(seen, y, sigma, one, 12, size=16, generator=seeded(2))
    *_, last = walk
    share = torch.zeros(6, 4).index_put_(
        (last["hair_color"], last["mouth"]), torch.ones(n), accumulate=True
    )
    all_of_them = {name: value[:24] for name, value in one.items()}
    all_of_them["hair_color"] = torch.arange(6).repeat_interleave(4)
    all_of_them["mouth"] = torch.arange(4).repeat(6)
    off = seen(data.to_float(portraits.draw(all_of_them, 16))) - y[:1]
    exact = torch.softmax(-off.square().flatten(1).sum(1) / (2 * sigma**2), 0).view(6, 4)
    assert 0.5 * (share / n - exact).abs().sum() < 0.08
    assert (exact > 0.05).sum() > 5  # or nothing would be tested


def test_where_all_is_noise_the_draws_are_the_priors():
    n = 300
    factors = portraits.sample(n, seed=4)
    y = seen(data.to_float(portraits.draw(factors, 16)))
    walk = portraits.fitting(seen, y, 1e4, factors, 8, size=16, generator=seeded())
    *_, last = walk
    for name in portraits.CATEGORICAL:
        share = torch.bincount(last[name], minlength=len(portraits.FACTORS[name])) / n
        assert (share - portraits.probabilities(name)).abs().max() < 0.12
    for name in portraits.CONTINUOUS:
        assert last[name].min() >= -1 and last[name].max() < 1.0001
        assert abs(last[name].mean()) < 0.15 and last[name].std() > 0.4
        assert (last[name] != factors[name]).double().mean() > 0.9


def test_where_there_is_hardly_any_noise_the_truth_stays():
    factors = portraits.sample(4, seed=5)
    x = data.to_float(portraits.draw(factors, 16))
    *_, last = portraits.fitting(lambda x: x, x, 0.005, factors, 2, size=16, generator=seeded())
    for name in ("background", "skin", "hat", "outfit"):
        assert torch.equal(last[name], factors[name])
    assert (data.to_float(portraits.draw(last, 16)) - x).abs().mean() < 0.01


def test_the_same_seed_gives_the_same_walk_and_what_was_given_stays():
    factors = portraits.sample(3, seed=6)
    before = {name: value.clone() for name, value in factors.items()}
    y = seen(data.to_float(portraits.draw(factors, 16)))
    walks = [
        list(portraits.fitting(seen, y, 0.3, factors, 2, size=16, generator=seeded(7)))
        for _ in range(2)
    ]
    for a, b in zip(*walks, strict=True):
        assert all(torch.equal(a[name], b[name]) for name in portraits.FACTORS)
    assert all(torch.equal(factors[name], before[name]) for name in portraits.FACTORS)
    assert len(walks[0]) == 2 and any(
        not torch.equal(walks[0][0][name], walks[0][1][name]) for name in portraits.CONTINUOUS
    )


def test_a_sigma_of_nothing_is_refused():
    with pytest.raises(ValueError, match="sigma"):
        next(portraits.fitting(seen, torch.zeros(1, 3, 4, 4), 0.0, {}, 1, size=16))
