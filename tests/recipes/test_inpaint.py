"""The recipes of inpainting: what is refused, what they learn from, how they are judged."""

import pytest
import torch

from genimg_lib import metrics, pretrained, restore
from genimg_lib.data import photos, portraits
from genimg_lib.recipes import inpaint as recipe
from genimg_lib.training import start

SMALL = {"images": 32, "width": 8, "blocks": 1, "batch": 4, "size": 32}
SMALL |= {"thickest": 12}


def test_unknown_settings_and_kinds_are_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("inpaint"), 1, widht=3)
    with pytest.raises(ValueError, match="blocks"):
        recipe.train_flow(start("inpaint"), 1, blocks=3)
    with pytest.raises(ValueError, match="thick"):
        recipe.train(start("inpaint"), 1, size=32)
    with pytest.raises(ValueError, match="dots"):
        recipe.hole_of("dots")


def test_a_few_steps_give_what_the_facts_describe():
    trained = recipe.train(start("inpaint"), 0.02, **SMALL)
    again = restore.Inpainter(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert not trained.net.training
    assert all(name in trained.facts["held_out"] for name in photos.HELD_OUT)


def test_pieces_are_filled_where_they_are_hidden_and_kept_elsewhere():
    settings = recipe.SETTINGS | {"size": 32, "thickest": 12, "drawn": 0.5}
    x, smooth, seen = recipe.learned_from(8, settings)
    assert x.shape == smooth.shape == (8, 3, 32, 32) and seen.shape == (8, 1, 32, 32)
    same = (x == smooth) | ~seen
    assert same.all() and (x != smooth).any()


def test_the_error_weighs_every_hole_alike():
    x = torch.zeros(2, 3, 8, 8)
    seen = torch.ones(2, 1, 8, 8, dtype=torch.bool)
    seen[0, 0, 0, 0], seen[1, 0, 4:] = False, False
    x_hat = torch.full_like(x, 5.0)
    x_hat[0], x_hat[1, :, 4:] = 1.0, 0.5
    assert recipe.hole_error(x_hat, x, seen).item() == pytest.approx(0.75)


def test_a_flow_that_is_shown_more_begins_as_it_was():
    old, net = pretrained.load_flow("flow_portraits"), recipe.shown_more("flow_portraits")
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([0.2, 0.7])
    with torch.no_grad():
        for shown in (torch.zeros(2, 1, 32, 32), torch.ones(2, 1, 32, 32)):
            assert torch.allclose(net(torch.cat([x, shown], 1), t), old(x, t), atol=1e-5)


def test_one_sided_holes_end_near_the_middle():
    g = torch.Generator().manual_seed(0)
    seen = recipe.face_holes(200, 32, recipe.OF_FLOW | {"one_sided": 1.0}, g)
    columns = (~seen[:, 0]).any(dim=1)
    left, right = columns[:, :13].any(dim=1), columns[:, 19:].any(dim=1)
    assert (left ^ right).all() and 60 < left.sum() < 140


def test_the_left_eye_is_hidden_whole_and_the_other_seen_whole():
    factors = portraits.sample(50, seed=2)
    iris, seen = recipe.left_eye(factors)
    both = portraits.painted_by(factors, "eyes")[:, None]
    assert not (iris & seen).any() and iris.any(dim=(1, 2, 3)).all()
    assert not ((both & ~iris) & ~seen).any()


def test_how_often_one_eye_is_hidden_and_the_other_seen():
    """Notebook 62 says four of ten holes, against one of ten of those that are anywhere."""
    n, factors = 500, portraits.sample(500, seed=3)
    left, _ = recipe.left_eye(factors)
    right = portraits.painted_by(factors, "eyes")[:, None] & ~left

    def one_of_both(seen):
        whole = [(iris & seen).flatten(1).any(dim=1) for iris in (left, right)]
        any_hidden = [(iris & ~seen).flatten(1).any(dim=1) for iris in (left, right)]
        left_only = ~whole[0] & ~any_hidden[1]
        return (left_only | (~whole[1] & ~any_hidden[0])).double().mean()

    g = torch.Generator().manual_seed(0)
    thick = recipe.OF_FLOW["thinnest"], recipe.OF_FLOW["thickest"]
    assert 0.05 < one_of_both(restore.random_holes(n, 32, *thick, g)) < 0.14
    assert 0.36 < one_of_both(recipe.face_holes(n, 32, recipe.OF_FLOW, g)) < 0.5


def test_the_shipped_inpainter_reaches_what_its_facts_say_and_beats_the_smooth_filling():
    facts, net = pretrained.facts("inpainter"), pretrained.load_inpainter()
    assert facts["held_out"] == ", ".join(photos.HELD_OUT)
    found = recipe.measure(net)
    for kind in recipe.KINDS_OF_HOLES:
        assert found[f"psnr_{kind}"] == pytest.approx(facts[f"psnr_{kind}"], abs=0.02)
        assert found[f"psnr_{kind}"] > found[f"psnr_biharmonic_{kind}"]


def test_the_shipped_flow_gives_hidden_eyes_the_colour_of_the_other():
    facts = pretrained.facts("inpainting_flow_portraits")
    net = pretrained.load_flow("inpainting_flow_portraits")
    found = recipe.measure_flow(net, n=300)
    assert found["kept"] == pytest.approx(facts["kept"], abs=0.05)


def test_another_inpainter_is_named():
    with pytest.raises(ValueError, match="inpainter_9"):
        pretrained.load_inpainter("inpainter_9")


def test_what_is_judged_is_what_was_not_seen():
    x, seen = recipe.held_out("coffee"), recipe.hole_of("spots")
    smooth = restore.biharmonic(x, seen)
    wanted = metrics.psnr_in_hole(smooth, x, seen).item()
    assert wanted == pytest.approx(15.3, abs=0.3)
