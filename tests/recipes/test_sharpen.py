"""A decoder finished with a discriminator: what moves, and whose gradients are whose."""

import pytest
import torch

from genimg_lib import data, gan, vae
from genimg_lib.recipes import vae as recipe
from genimg_lib.recipes.sharpen import of_features, of_pixels, sharpen
from genimg_lib.training import start


def finished(monkeypatch, weight=0.1, steps=3, **how):
    """(the VAE before, after, what each of D's parameters held as gradient after G's steps)."""
    seen = []

    class Watched(gan.Discriminator):
        """Notes, whenever it is frozen or thawed, the gradients that it holds."""

        def requires_grad_(self, wanted=True):
            seen.append([None if p.grad is None else p.grad.clone() for p in self.parameters()])
            return super().requires_grad_(wanted)

    monkeypatch.setattr(gan, "Discriminator", Watched)
    torch.manual_seed(0)
    net = vae.ConvVAE(size=16, latent=4, width=8)
    images = data.load("portraits", n=64, size=16).images
    before = {name: value.clone() for name, value in net.state_dict().items()}
    run = start("sharpen")
    how |= {"ema_decay": 0.0, "steps": steps}
    after = sharpen(run, net, recipe.rebuild, (images,), weight, **how)
    return before, after.state_dict(), seen


def test_only_the_decoder_moves(monkeypatch):
    before, after, _ = finished(monkeypatch)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved
    assert all(name.startswith("decoder.") for name in moved)


@pytest.mark.parametrize("error", [of_pixels, of_features])
def test_the_decoders_step_leaves_the_discriminators_gradients_alone(monkeypatch, error):
    _, _, seen = finished(monkeypatch, error=error)
    for frozen, thawed in zip(seen[::2], seen[1::2], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(frozen, thawed, strict=True))


def test_the_weight_decides_where_the_decoder_goes(monkeypatch):
    _, none, _ = finished(monkeypatch, weight=0.0)
    _, again, _ = finished(monkeypatch, weight=0.0)
    _, heavy, _ = finished(monkeypatch, weight=10.0)
    name = "decoder.outward.weight"
    assert torch.equal(none[name], again[name])
    assert not torch.equal(none[name], heavy[name])


def test_features_are_compared_below_the_discriminators_last_layer():
    torch.manual_seed(0)
    D = gan.Discriminator(16, 3, width=8).eval()
    x, x_hat = torch.randn(2, 2, 3, 16, 16)
    h, h_hat = (D.body(images) for images in (x, x_hat))
    assert torch.allclose(D.last(h)[:, 0], D(x))
    added = of_features(D, x_hat, x) - of_pixels(D, x_hat, x)
    assert torch.allclose(added, (h_hat - h).square().mean())


@pytest.mark.parametrize("change", [{"error": of_features}, {"momentum": 0.5}])
def test_what_is_compared_and_the_momentum_decide_as_well(monkeypatch, change):
    _, plain, _ = finished(monkeypatch)
    _, other, _ = finished(monkeypatch, **change)
    name = "decoder.outward.weight"
    assert not torch.equal(plain[name], other[name])
