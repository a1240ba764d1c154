"""The parts of the ELBO against torch.distributions, autograd and an exact model."""

import itertools
import math
import runpy
from pathlib import Path

import pytest
import torch
import torch.distributions as D
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import vae

ROOT = Path(__file__).resolve().parents[2]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(mean, logvar):
    return D.Normal(mean, torch.exp(0.5 * logvar))


shapes = st.lists(st.integers(1, 4), min_size=2, max_size=4)
seeds = st.integers(0, 10**6)


# ------------------------------------------------------------------ pieces


@given(shape=shapes, seed=seeds)
def test_kl_agrees_with_torch_distributions(shape, seed):
    mean, logvar = noise(*shape, seed=seed), 2 * noise(*shape, seed=seed + 1)
    wanted = D.kl_divergence(normal(mean, logvar), D.Normal(0.0, 1.0)).flatten(1).sum(dim=1)
    found = vae.gaussian_kl(mean, logvar)
    assert found.shape == (shape[0],)
    torch.testing.assert_close(found, wanted)


@given(n=st.integers(1, 4), d=st.integers(1, 6), seed=seeds)
def test_kl_to_another_normal_agrees_with_torch_distributions(n, d, seed):
    mean, logvar = noise(n, d, seed=seed), 2 * noise(n, d, seed=seed + 1)
    prior = 3 * noise(n, d, seed=seed + 2), noise(1, d, seed=seed + 3)
    wanted = D.kl_divergence(normal(mean, logvar), normal(*prior)).sum(dim=1)
    torch.testing.assert_close(vae.gaussian_kl(mean, logvar, prior), wanted)


def test_kl_agrees_with_monte_carlo():
    mean, logvar = noise(3, 2, seed=1), noise(3, 2, seed=2)
    z = vae.reparameterize(mean, logvar, noise(200_000, 3, 2, seed=3))
    difference = (normal(mean, logvar).log_prob(z) - D.Normal(0.0, 1.0).log_prob(z)).sum(dim=2)
    error = difference.std(dim=0) / 200_000**0.5
    assert ((difference.mean(dim=0) - vae.gaussian_kl(mean, logvar)).abs() < 5 * error).all()


@given(n=st.integers(1, 4), d=st.integers(1, 6), seed=seeds)
def test_kl_is_zero_at_the_prior_alone(n, d, seed):
    zero = torch.zeros(n, d, dtype=torch.float64)
    assert (vae.gaussian_kl(zero, zero) == 0).all()
    assert (vae.gaussian_kl(0.1 + noise(n, d, seed=seed).abs(), zero) > 0).all()
    assert (vae.gaussian_kl(zero, 0.1 + noise(n, d, seed=seed).abs()) > 0).all()


@given(n=st.integers(1, 4), d=st.integers(1, 6), seed=seeds)
def test_gaussian_log_prob_agrees_with_torch_distributions(n, d, seed):
    z, mean, logvar = (
        noise(5, n, d, seed=seed),
        noise(n, d, seed=seed + 1),
        noise(n, d, seed=seed + 2),
    )
    torch.testing.assert_close(
        vae.gaussian_log_prob(z, mean, logvar), normal(mean, logvar).log_prob(z).sum(dim=-1)
    )


@given(shape=shapes, seed=seeds)
def test_bernoulli_log_prob_agrees_with_torch_distributions(shape, seed):
    logits = 3 * noise(*shape, seed=seed)
    x = (noise(*shape, seed=seed + 1) > 0).double()
    torch.testing.assert_close(
        vae.Bernoulli(logits).log_prob(x),
        D.Bernoulli(logits=logits).log_prob(x).flatten(1).sum(dim=1),
    )
    torch.testing.assert_close(vae.Bernoulli(logits).mean, D.Bernoulli(logits=logits).mean)


def test_bernoulli_log_prob_stays_finite_for_extreme_logits():
    sure = vae.Bernoulli(torch.tensor([[1000.0], [-1000.0], [1000.0], [-1000.0]]))
    assert sure.log_prob(torch.tensor([[1.0], [0.0], [0.0], [1.0]])).tolist() == [
        0.0,
        0.0,
        -1000.0,
        -1000.0,
    ]


@given(shape=shapes, log_sigma=st.floats(-3, 2), seed=seeds)
def test_gaussian_likelihood_agrees_with_torch_distributions(shape, log_sigma, seed):
    mean, x = noise(*shape, seed=seed), noise(*shape, seed=seed + 1)
    log_sigma = torch.tensor(log_sigma, dtype=torch.float64)
    wanted = D.Normal(mean, log_sigma.exp()).log_prob(x).flatten(1).sum(dim=1)
    torch.testing.assert_close(vae.Gaussian(mean, log_sigma).log_prob(x), wanted)
    # a float works as well
    torch.testing.assert_close(
        vae.Gaussian(mean, log_sigma.item()).log_prob(x), wanted, rtol=1e-5, atol=1e-4
    )


def test_the_best_sigma_is_the_root_of_the_mean_squared_error():
    mean, x = noise(6, 20, seed=1), noise(6, 20, seed=2)
    best = 0.5 * (x - mean).square().mean().log()
    log_sigma = best.clone().requires_grad_()
    vae.Gaussian(mean, log_sigma).log_prob(x).sum().backward()
    assert abs(log_sigma.grad.item()) < 1e-9


# ------------------------------------------------------------------ trick of reparameterisation


@given(shape=shapes, seed=seeds)
def test_reparameterize_agrees_with_finite_differences(shape, seed):
    mean, logvar, eps = (noise(*shape, seed=seed + i).requires_grad_(i < 2) for i in range(3))
    assert torch.autograd.gradcheck(lambda m, v: vae.reparameterize(m, v, eps), (mean, logvar))
    torch.testing.assert_close(
        vae.reparameterize(mean, logvar, eps), mean + torch.sqrt(torch.exp(logvar)) * eps
    )


def test_reparameterize_draws_samples_with_the_moments_asked_for():
    torch.manual_seed(0)
    mean, logvar = torch.tensor([1.0, -2.0]), torch.tensor([0.5, -1.0])
    z = vae.reparameterize(mean.expand(100_000, 2), logvar.expand(100_000, 2))
    torch.testing.assert_close(z.mean(dim=0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(dim=0), logvar.exp(), atol=0.03, rtol=0)
    assert abs(torch.corrcoef(z.T)[0, 1]) < 0.02


def test_the_gradient_through_a_sample_is_the_gradient_of_the_expectation():
    mean, logvar = (
        torch.tensor([0.7], dtype=torch.float64, requires_grad=True),
        torch.tensor([-0.4], dtype=torch.float64, requires_grad=True),
    )
    # E z^2 = mean^2 + exp(logvar)
    vae.reparameterize(mean, logvar, noise(400_000, 1)).square().mean().backward()
    assert mean.grad.item() == pytest.approx(2 * 0.7, abs=0.01)
    assert logvar.grad.item() == pytest.approx(math.exp(-0.4), abs=0.01)


# -------------------------------------------------- probabilistic PCA: p(x) is known


class PPCA:
    """x = W z + b + sigma e with orthogonal columns in W.

    So p(z|x) is a diagonal Gaussian, and both it and p(x) have closed forms.
    """

    def __init__(self, pixels=5, latent=2, sigma=0.6, seed=0):
        orthogonal = torch.linalg.qr(noise(pixels, latent, seed=seed)).Q
        self.W, self.b, self.sigma = (
            orthogonal * torch.arange(1, latent + 1),
            noise(pixels, seed=seed + 1),
            sigma,
        )
        self.largest_batch = 0

    def decoder(self, z):
        self.largest_batch = max(self.largest_batch, len(z))
        return vae.Gaussian(
            z @ self.W.T + self.b, torch.tensor(self.sigma, dtype=torch.float64).log()
        )

    def encoder(self, x):
        """The exact posterior."""
        M = (self.W.T @ self.W).diagonal() + self.sigma**2
        return (x - self.b) @ self.W / M, (self.sigma**2 / M).log().expand(len(x), -1)

    def near(self, x):
        """A posterior that is a little off, as trained encoders are."""
        mean, logvar = self.encoder(x)
        return mean + 0.15, logvar + 0.3

    def log_evidence(self, x):
        return D.MultivariateNormal(
            self.b, self.W @ self.W.T + self.sigma**2 * torch.eye(len(self.b))
        ).log_prob(x)

    def images(self, n, seed=7):
        return (
            noise(n, self.W.shape[1], seed=seed) @ self.W.T
            + self.b
            + self.sigma * noise(n, len(self.b), seed=seed + 1)
        )


@given(latent=st.integers(1, 4), n=st.integers(1, 5), k=st.integers(1, 6), seed=seeds)
def test_one_sample_of_the_exact_posterior_gives_the_exact_evidence(latent, n, k, seed):
    model = PPCA(latent + 2, latent, seed=seed)
    x = model.images(n)
    torch.testing.assert_close(
        vae.importance_log_likelihood(x, model.encoder, model.decoder, k), model.log_evidence(x)
    )


def test_the_importance_weighted_likelihood_rises_to_the_evidence_with_k():
    torch.manual_seed(0)
    model = PPCA()
    x = model.images(4)
    many = x.repeat_interleave(2_000, dim=0)
    estimates = [
        vae.importance_log_likelihood(many, model.near, model.decoder, k).view(4, -1).mean(dim=1)
        for k in (1, 4, 16)
    ]
    estimates.append(vae.importance_log_likelihood(x, model.near, model.decoder, 1_000))
    exact = model.log_evidence(x)
    for lower, higher in itertools.pairwise(estimates[:3]):
        assert (higher > lower).all() and (higher < exact + 0.01).all()
    assert ((estimates[-1] - exact).abs() < 0.05).all()
    assert (estimates[0] < exact - 0.05).all()  # otherwise there was nothing to rise


@given(k=st.integers(1, 9), n=st.integers(1, 4), at_once=st.integers(1, 40), seed=seeds)
def test_the_importance_weighted_likelihood_agrees_with_a_loop_however_it_is_chunked(
    k, n, at_once, seed
):
    model, eps = PPCA(seed=seed), noise(k, n, 2, seed=seed)
    x, bank = model.images(n), iter(eps)
    mean, logvar = model.near(x)
    weights = torch.zeros(n, dtype=torch.float64)
    for e in eps:
        z = mean + (logvar / 2).exp() * e
        log_q, log_p = (
            normal(mean, logvar).log_prob(z).sum(dim=1),
            D.Normal(0.0, 1.0).log_prob(z).sum(dim=1),
        )
        weights += (
            D.Normal(z @ model.W.T + model.b, model.sigma).log_prob(x).sum(dim=1) + log_p - log_q
        ).exp() / k
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            torch, "randn", lambda m, *shape, **kwargs: torch.stack([next(bank) for _ in range(m)])
        )
        found = vae.importance_log_likelihood(x, model.near, model.decoder, k, at_once)
    torch.testing.assert_close(found, weights.log())
    assert next(bank, None) is None  # all k samples were used
    assert model.largest_batch <= max(at_once, n)


def test_the_importance_weighted_likelihood_has_the_same_distribution_for_any_chunk():
    torch.manual_seed(0)
    model = PPCA()
    x = model.images(1).expand(3_000, -1)
    whole, chunks = (
        vae.importance_log_likelihood(x, model.near, model.decoder, 8, at_once)
        for at_once in (10**6, 6_000)
    )
    assert abs(whole.mean() - chunks.mean()) < 4 * ((whole.var() + chunks.var()) / 3_000).sqrt()
    assert whole.std().item() == pytest.approx(chunks.std().item(), rel=0.15)


def test_the_importance_weighted_likelihood_survives_hopeless_encoders():
    model = PPCA()
    x = model.images(2)
    found = vae.importance_log_likelihood(
        x,
        lambda x: (torch.full((2, 2), 100.0).double(), torch.zeros(2, 2).double()),
        model.decoder,
        50,
    )
    assert torch.isfinite(found).all() and (found < model.log_evidence(x)).all()


def test_the_iwae_bound_rises_with_k_stays_below_the_evidence_and_ends_near_it():
    torch.manual_seed(0)
    model = PPCA()
    x = model.images(4)
    exact = model.log_evidence(x).mean()
    bounds = []
    for k in (1, 10, 100, 1_000):
        many = x.repeat_interleave(20_000 // k if k > 1 else 20_000, dim=0)
        bounds.append(vae.iwae_bound(many, model.near, model.decoder, k).mean())
    for lower, higher in itertools.pairwise(bounds):
        assert lower < higher + 0.01
    assert bounds[0] < exact - 0.05 and bounds[-1] < exact + 0.01 and abs(bounds[-1] - exact) < 0.05


@given(n=st.integers(1, 4), k=st.integers(1, 6), seed=seeds)
def test_the_iwae_bound_is_a_mean_of_weights_and_its_gradient_their_weighted_mean(n, k, seed):
    model, eps = PPCA(seed=seed), noise(k, n, 2, seed=seed)
    x = model.images(n)
    shift = torch.zeros(n, 2, dtype=torch.float64, requires_grad=True)

    def encoder(y):
        return (model.near(y)[0] + shift, model.near(y)[1])

    found = vae.iwae_bound(x, encoder, model.decoder, k, eps)
    mean, logvar = encoder(x)
    z = mean + (logvar / 2).exp() * eps
    log_w = (
        D.Normal(z @ model.W.T + model.b, model.sigma).log_prob(x).sum(-1)
        + D.Normal(0.0, 1.0).log_prob(z).sum(-1)
        - normal(mean, logvar).log_prob(z).sum(-1)
    )
    torch.testing.assert_close(found, log_w.exp().mean(0).log())
    # the gradient of log mean w is the mean of the gradients of log w, weighted by w
    share = (log_w - log_w.logsumexp(0)).exp().detach()
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), shift)[0],
        torch.autograd.grad((share * log_w).sum(), shift)[0],
    )


def test_the_iwae_bound_wants_noise_of_its_shape():
    model = PPCA()
    x = model.images(3)
    assert vae.iwae_bound(x, model.near, model.decoder, 2).shape == (3,)
    with pytest.raises(ValueError, match=r"got k = 2, noise \[3, 3, 2\]"):
        vae.iwae_bound(x, model.near, model.decoder, 2, noise(3, 3, 2))
    with pytest.raises(ValueError, match="got k = 0"):
        vae.iwae_bound(x, model.near, model.decoder, 0)


def test_the_importance_weighted_likelihood_needs_a_sample():
    model = PPCA()
    with pytest.raises(ValueError, match="k is 0; at least one sample"):
        vae.importance_log_likelihood(model.images(1), model.encoder, model.decoder, 0)


@given(n=st.integers(1, 5), seed=seeds)
def test_the_elbo_agrees_with_brute_force(n, seed):
    model, eps = PPCA(seed=seed), noise(n, 2, seed=seed)
    x = model.images(n)
    wanted = []
    for i in range(n):
        mean, logvar = (v[i] for v in model.near(x))
        z = mean + torch.exp(logvar / 2) * eps[i]
        log_p = D.Normal(model.W @ z + model.b, model.sigma).log_prob(x[i]).sum()
        wanted.append(log_p - D.kl_divergence(normal(mean, logvar), D.Normal(0.0, 1.0)).sum())
    torch.testing.assert_close(vae.elbo(x, model.near, model.decoder, eps), torch.stack(wanted))


def test_the_elbo_lies_below_the_evidence_by_the_divergence_from_the_posterior():
    torch.manual_seed(0)
    model = PPCA()
    x = model.images(3)
    mean = (
        vae.elbo(x.repeat_interleave(40_000, dim=0), model.near, model.decoder)
        .view(3, -1)
        .mean(dim=1)
    )
    gap = D.kl_divergence(normal(*model.near(x)), normal(*model.encoder(x))).sum(dim=1)
    torch.testing.assert_close(mean, model.log_evidence(x) - gap, atol=0.05, rtol=0)


# ------------------------------------------------------------------ networks


def test_the_mlp_has_no_activation_after_its_last_layer():
    net = vae.mlp(3, 8, 8, 2)
    assert [type(layer).__name__ for layer in net] == ["Linear", "SiLU", "Linear", "SiLU", "Linear"]
    assert [(layer.in_features, layer.out_features) for layer in net[::2]] == [
        (3, 8),
        (8, 8),
        (8, 2),
    ]


def test_the_encoder_gives_means_and_logvars_of_both_signs():
    torch.manual_seed(0)
    mean, logvar = vae.Encoder(64, 5)(torch.randn(200, 1, 8, 8))
    assert mean.shape == logvar.shape == (200, 5)
    assert mean.min() < 0 < mean.max() and logvar.min() < 0 < logvar.max()
    assert not torch.equal(mean, logvar)


def test_the_decoders_give_likelihoods_of_whole_images():
    torch.manual_seed(0)
    z, x = 5 * torch.randn(4, 3), torch.rand(4, 1, 6, 6).round()
    for decoder, low in (
        (vae.BernoulliDecoder((1, 6, 6), 3), 0),
        (vae.GaussianDecoder((1, 6, 6), 3), -1),
    ):
        likelihood = decoder(z)
        assert likelihood.mean.shape == (4, 1, 6, 6)
        assert likelihood.log_prob(x).shape == (4,)
        assert low <= likelihood.mean.min() and likelihood.mean.max() <= 1


def test_every_parameter_of_a_vae_gets_a_gradient_from_the_elbo():
    torch.manual_seed(0)
    for decoder in (
        vae.BernoulliDecoder((1, 4, 4), 2, hidden=(8,)),
        vae.GaussianDecoder((1, 4, 4), 2, hidden=(8,)),
    ):
        encoder = vae.Encoder(16, 2, hidden=(8,))
        vae.elbo(torch.rand(5, 1, 4, 4).round(), encoder, decoder).sum().backward()
        for name, parameter in [*encoder.named_parameters(), *decoder.named_parameters()]:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


# ------------------------------------------------------------------ the benchmark's gradient


@pytest.mark.parametrize("k", [1, 4])
def test_the_doubly_reparameterised_gradient_is_that_of_the_bound_on_average(k):
    bench = runpy.run_path(str(ROOT / "benchmarks" / "published_vae.py"))
    torch.manual_seed(0)
    encoder, decoder = vae.Encoder(6, 2, (5,)), vae.BernoulliDecoder((6,), 2, (5,))
    model = bench["Model"](encoder, decoder, None, torch.zeros(6))
    x = torch.bernoulli(torch.full((1, 6), 0.5)).expand(100_000, 6)  # as many draws of the noise
    weights = [*encoder.parameters(), *decoder.parameters()]
    wanted = torch.autograd.grad(-vae.iwae_bound(x, encoder, decoder, k).mean(), weights)
    found = torch.autograd.grad(bench["surrogate"](model, x, k, 1.0), weights)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.004)
