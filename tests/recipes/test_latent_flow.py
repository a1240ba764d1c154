"""The recipe of latent flows: what is refused, what a few steps give, what ships."""

import pytest
import torch

from genimg_lib import data, pretrained, results
from genimg_lib.data import portraits
from genimg_lib.latent_model import LatentFlow
from genimg_lib.recipes import latent_flow as recipe
from genimg_lib.training import start

SMALL = {"images": 64, "width": 8, "depth": 1, "flow_width": 8, "batch": 8}


def test_an_unknown_setting_is_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("latent_flow"), 1, widht=3)


@pytest.mark.parametrize("told", [True, False])
def test_a_few_steps_give_what_the_facts_describe(told):
    trained = recipe.train(start("latent_flow"), 0.05, told=told, **SMALL)
    net, facts = trained.net, trained.facts
    again = LatentFlow(**facts["network"])
    again.load_state_dict(net.state_dict())
    assert not net.training and (net.flow.conditions > 0) == told
    assert set(facts["steps"]) == {"images", "flow"} and "64x64" in facts["data"]
    c = torch.zeros(3, 47) if told else None
    assert recipe.draw(net, 3, c=c).shape == (3, 3, 64, 64)


def test_the_flow_learns_from_latents_of_one_scale():
    trained = recipe.train(start("latent_flow"), 0.05, **SMALL)
    images = data.load("portraits", n=64, size=64).images
    means, logvars = recipe.moments_of(trained.net.images, images)
    z = trained.net.scaled(means)
    variance = z.var(dim=(0, 2, 3), correction=0) + (
        logvars.exp().mean(dim=(0, 2, 3)) / trained.net.std.flatten() ** 2
    )
    torch.testing.assert_close(variance, torch.ones(4), rtol=1e-4, atol=0)


def test_images_are_rebuilt_by_the_mean_of_their_latents():
    net = LatentFlow({"size": 16, "width": 8, "depth": 1}, {"width": 8, "patch": 1}).images
    images = data.load("portraits", n=5, size=16).images
    mean, _ = net.encode(data.to_float(images))
    torch.testing.assert_close(recipe.rebuilt(net, images), net.decode(mean))


def test_the_shipped_latent_flow_reaches_what_its_facts_say():
    facts = pretrained.facts("latent_flow_portraits_64")
    net = pretrained.load_latent_flow("latent_flow_portraits_64")
    found = recipe.measure(net, n=500)
    gained = found["fd_floor"] - facts["fd_floor"]  # what fewer images add
    for key in ("fd", "fd_reconstructions"):
        assert found[key] < 1.2 * (facts[key] + gained) + 0.2
    for name in portraits.CATEGORICAL:
        assert abs(found[f"accuracy_{name}"] - facts[f"accuracy_{name}"]) < 0.05


def test_another_name_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match="latent_flow_portraits_64"):
        pretrained.load_latent_flow("flow_portraits")


def test_the_stored_benchmark_is_what_notebook_54_says_of_the_rate():
    stored = results.figures("bench_latent_flow")

    def over_sets(weight, kind):
        return torch.tensor([stored[f"rate_{weight}_{k}_{kind}"] for k in range(3)])

    for kind in ("rebuilt_psnr", "rebuilt_fd", "fd", "scale"):
        none, small = over_sets("0", kind), over_sets("0.001", kind)
        assert abs(none.mean() - small.mean()) < 2 * max(none.std(), small.std())
    for kind in ("rebuilt_fd", "fd"):
        assert over_sets("0.1", kind).min() > over_sets("0.001", kind).max()
    assert over_sets("0.1", "rebuilt_psnr").mean() < over_sets("0.001", "rebuilt_psnr").mean()
    assert abs(over_sets("0.1", "scale") - 1).max() < abs(over_sets("0.001", "scale") - 1).min()


def test_a_moment_of_training_is_enough_for_the_autoencoder_and_the_flow():
    trained = recipe.train(start("latent_flow"), 1e-4, **SMALL)  # encoding takes longer
    assert min(trained.facts["steps"].values()) >= 1
