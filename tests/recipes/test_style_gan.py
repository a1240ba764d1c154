"""The style-based recipe: what is refused, rates, and the shipped weights."""

import pytest
import torch

from genimg_lib import gan, metrics, pretrained
from genimg_lib.recipes import gan as gan_recipes
from genimg_lib.recipes import style_gan as recipe
from genimg_lib.training import start


def test_unknown_settings_are_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("style_gan"), 1, widht=3)


def test_a_few_steps_give_what_the_facts_describe(monkeypatch):
    monkeypatch.setattr(recipe, "JUDGED", 300)
    trained = recipe.train(start("style_gan"), 0.02, images=64, width=8, batch=4, noise=False)
    again = gan.StyleGenerator(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert not trained.net.training
    assert {"fd", "recall", "worst_variation"} <= trained.measure(trained.net).keys()


def test_the_mapping_network_has_its_own_rate():
    G, D = gan.StyleGenerator(16, width=4), gan.Discriminator(16, width=4, spectral=False)
    opt_G, _ = recipe.optimisers(G, D, 1e-3, 1e-5)
    rates = {id(p): group["lr"] for group in opt_G.param_groups for p in group["params"]}
    for name, weight in G.named_parameters():
        assert rates[id(weight)] == (1e-5 if name.startswith("mapping") else 1e-3)
    plain = gan.StyleGenerator(16, width=4, mapping=0)
    assert len(recipe.optimisers(plain, D, 1e-3, 1e-5)[0].param_groups) == 1


def test_fakes_are_mixed_as_often_as_was_said():
    G = gan.StyleGenerator(16, width=4, noise=False).eval()
    z = torch.randn(200, 64)
    with torch.no_grad():
        plain = G(z)
        for share in (0.0, 0.5, 1.0):
            differ = (recipe.MixedFakes(G, share)(z) - plain).abs().amax(dim=(1, 2, 3)) > 1e-5
            assert differ.double().mean().item() == pytest.approx(share, abs=0.12)


def test_the_orthogonal_penalty_pulls_the_filters_apart():
    x, after = torch.randn(8, 3, 16, 16).clamp(-1, 1), {}
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        G, D = gan.Generator(16, width=4, latent=8), gan.Discriminator(16, width=4, spectral=False)
        opts = [torch.optim.Adam(net.parameters(), 5e-3) for net in (G, D)]
        for _ in range(60):
            gan_recipes.relativistic_round(x, G, D, *opts, gamma=0.0, orthogonal=weight)
        after[weight] = gan.orthogonal_penalty(G).item()
    assert after[1.0] < 0.5 * after[0.0]


def test_the_shipped_generator_is_as_its_facts_say():
    facts, G = pretrained.facts("style_gan_portraits"), pretrained.load_style_generator()
    images = G.sample(2_000, torch.Generator().manual_seed(5))
    found = metrics.Evaluator("portraits").report(images)
    assert found["fd"] == pytest.approx(facts["fd"], abs=0.8)
    assert found["precision"] == pytest.approx(facts["precision"], abs=0.06)
    assert found["recall"] == pytest.approx(facts["recall"], abs=0.08)
    with pytest.raises(ValueError, match="style_gan_faces"):
        pretrained.load_style_generator("style_gan_faces")
