"""The same portraits with other values: as if drawn one by one."""

import pytest
import torch

from genimg_lib.data import portraits


def test_all_combinations_each_drawn_with_the_other_factors_kept():
    factors = portraits.sample(3, seed=1)
    found = portraits.variants(factors, "mouth", "beard")
    assert found.images.shape == (12, 3, 3, 32, 32) and len(found.shares) == 12
    assert found.shares.sum().item() == pytest.approx(1)
    for k in (0, 5, 11):
        changed = {name: found.values[name][k].expand(3) for name in ("mouth", "beard")}
        assert torch.equal(found.images[k], portraits.draw(factors | changed, 32))
    pairs = set(zip(*(found.values[name].tolist() for name in ("mouth", "beard")), strict=True))
    assert len(pairs) == 12
    bare = found.values["beard"] == 0
    assert found.shares[bare].sum().item() == pytest.approx(0.6)


def test_a_factor_paints_where_its_pixels_depend_on_it_and_nowhere_else():
    factors = portraits.sample(4, seed=2)
    where = portraits.painted_by(factors, "eyes")
    images = [portraits.draw(factors | {"eyes": torch.full((4,), k)}, 32) for k in range(3)]
    for one in images:
        same = (one == images[0]).all(dim=1)
        assert same[~where].all()
    assert where.any(dim=(1, 2)).all() and where.double().mean() < 0.05


def test_names_of_no_categorical_factor_are_refused():
    factors = portraits.sample(1)
    for names, words in ((("tilt",), "tilt"), (("nose",), "nose"), ((), "none")):
        with pytest.raises(ValueError, match=words):
            portraits.variants(factors, *names)
