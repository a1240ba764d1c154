"""A decoder finished with a discriminator: what moves, and whose gradients are whose."""

import torch

from genimg_lib import data, gan, vae
from genimg_lib.recipes.sharpen import sharpen
from genimg_lib.training import start


def rebuild(net, x):
    mean, _ = net.encoder(x)
    return net.decoder(mean.detach()).mean


def finished(monkeypatch, weight=0.1, steps=3):
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
    after = sharpen(run, net, rebuild, (images,), weight, ema_decay=0.0, steps=steps)
    return before, after.state_dict(), seen


def test_only_the_decoder_moves(monkeypatch):
    before, after, _ = finished(monkeypatch)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved
    assert all(name.startswith("decoder.") for name in moved)


def test_the_decoders_step_leaves_the_discriminators_gradients_alone(monkeypatch):
    _, _, seen = finished(monkeypatch)
    for frozen, thawed in zip(seen[::2], seen[1::2], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(frozen, thawed, strict=True))


def test_the_weight_decides_where_the_decoder_goes(monkeypatch):
    _, none, _ = finished(monkeypatch, weight=0.0)
    _, again, _ = finished(monkeypatch, weight=0.0)
    _, heavy, _ = finished(monkeypatch, weight=10.0)
    name = "decoder.outward.weight"
    assert torch.equal(none[name], again[name])
    assert not torch.equal(none[name], heavy[name])
