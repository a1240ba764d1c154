"""Metrics against scikit-image, loops and closed forms; what evaluators notice."""

import itertools
import math

import numpy as np
import pytest
import skimage.metrics
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import data, metrics, weights
from genimg_lib.data import portraits
from genimg_lib.divergences import frechet_distance
from genimg_lib.errors import DataError
from genimg_lib.metrics import Evaluator


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def image_pair(n, c, h, w, seed):
    """Images with edges, and the same with some noise, in [-1, 1]."""
    coarse = noise(n, c, -(-h // 4), -(-w // 4), seed=seed)
    x = F.interpolate(coarse, scale_factor=4)[..., :h, :w].clamp(-1, 1)
    return x, (x + 0.3 * noise(n, c, h, w, seed=seed + 1)).clamp(-1, 1)


batches = {
    "n": st.integers(1, 3),
    "c": st.sampled_from([1, 3]),
    "h": st.integers(11, 30),
    "w": st.integers(11, 30),
    "seed": st.integers(0, 10**6),
}


# ------------------------------------------------------------------ image against image


@given(**batches)
def test_psnr_agrees_with_scikit_image(n, c, h, w, seed):
    x, y = image_pair(n, c, h, w, seed)
    wanted = [
        skimage.metrics.peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=2)
        for a, b in zip(x, y, strict=True)
    ]
    assert metrics.psnr(x, y).tolist() == pytest.approx(wanted)
    assert metrics.psnr((x + 1) / 2, (y + 1) / 2, data_range=1).tolist() == pytest.approx(wanted)


@given(**batches)
def test_ssim_agrees_with_scikit_image(n, c, h, w, seed):
    x, y = image_pair(n, c, h, w, seed)
    options = {
        "channel_axis": 0,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
    }
    wanted = [
        skimage.metrics.structural_similarity(a.numpy(), b.numpy(), data_range=2, **options)
        for a, b in zip(x, y, strict=True)
    ]
    assert metrics.ssim(x, y).tolist() == pytest.approx(wanted, abs=1e-4)
    assert metrics.ssim(127.5 * x, 127.5 * y, data_range=255).tolist() == pytest.approx(
        wanted, abs=1e-4
    )


@given(**batches)
def test_an_image_is_most_like_itself(n, c, h, w, seed):
    x, y = image_pair(n, c, h, w, seed)
    assert (metrics.psnr(x, x) == math.inf).all()
    torch.testing.assert_close(metrics.ssim(x, x), torch.ones(n, dtype=torch.float64))
    assert (metrics.ssim(x, y) < 1).all()
    torch.testing.assert_close(metrics.ssim(x, y), metrics.ssim(y, x))


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_more_noise_is_worse_by_psnr_and_ssim(metric):
    x = image_pair(4, 3, 32, 32, 0)[0]
    worse = torch.stack(
        [metric(x, (x + s * noise(4, 3, 32, 32)).clamp(-1, 1)) for s in (0.05, 0.1, 0.2, 0.4)]
    )
    assert (worse.diff(dim=0) < 0).all()


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_psnr_and_ssim_refuse_what_they_cannot_compare(metric):
    x = torch.zeros(2, 3, 16, 16)
    with pytest.raises(ValueError, match=r"same shape, got \(2, 3, 16, 16\) and \(2, 1, 16, 16\)"):
        metric(x, x[:, :1])
    with pytest.raises(ValueError, match="same shape"):
        metric(x[0], x[0])
    with pytest.raises(TypeError, match=r"float images.*data.to_float first"):
        metric(x.to(torch.uint8), x.to(torch.uint8))
    for wrong in (math.nan, 1.5, 255.0):
        for pair in ((x, torch.full_like(x, wrong)), (torch.full_like(x, wrong), x)):
            with pytest.raises(ValueError, match="these images lie between"):
                metric(*pair)
    with pytest.raises(ValueError, match="data_range is 0; it is the width"):
        metric(x, x, data_range=0)


def test_ssim_needs_room_for_its_window():
    with pytest.raises(ValueError, match="windows of 11x11 pixels; the images are 10x32"):
        metrics.ssim(torch.zeros(1, 1, 10, 32), torch.zeros(1, 1, 10, 32))


# ------------------------------------------------------------------ against set


def reach(points, manifold, k):
    """The share of points in a ball of the manifold, one distance at a time."""
    radii = [
        sorted(math.dist(a, b) for j, b in enumerate(manifold) if j != i)[k - 1]
        for i, a in enumerate(manifold)
    ]
    return sum(
        any(math.dist(p, b) <= r for b, r in zip(manifold, radii, strict=True)) for p in points
    ) / len(points)


sets = {
    "n": st.integers(6, 40),
    "m": st.integers(6, 40),
    "d": st.integers(1, 5),
    "k": st.integers(1, 5),
    "seed": st.integers(0, 10**6),
}


@given(**sets, shift=st.floats(0, 3))
def test_precision_and_recall_agree_with_a_loop(n, m, d, k, seed, shift):
    real, fake = noise(n, d, seed=seed), 0.7 * noise(m, d, seed=seed + 1) + shift
    wanted = reach(fake.tolist(), real.tolist(), k), reach(real.tolist(), fake.tolist(), k)
    assert metrics.precision_recall(real, fake, k) == pytest.approx(wanted)
    assert metrics.precision_recall(fake, real, k) == pytest.approx(wanted[::-1])


@given(n=st.integers(4, 60), at_once=st.integers(1, 50), seed=st.integers(0, 10**6))
def test_precision_does_not_depend_on_how_many_points_are_compared_at_once(n, at_once, seed):
    real, fake = noise(n, 3, seed=seed), noise(n + 3, 3, seed=seed + 1)
    assert metrics.sets._within(fake, real, 3, at_once) == metrics.sets._within(fake, real, 3)


def test_precision_falls_with_bad_images_and_recall_with_missing_ones():
    real = torch.cat([noise(300, 2, seed=1), noise(300, 2, seed=2) + 20])
    half = noise(300, 2, seed=3)
    assert metrics.precision_recall(real, real) == (1, 1)
    precision, recall = metrics.precision_recall(real, half)  # one mode of two
    assert precision > 0.9 and 0.4 < recall < 0.52
    # half of them far away
    precision, recall = metrics.precision_recall(
        real, torch.cat([real, noise(600, 2, seed=4) - 50])
    )
    assert precision == 0.5 and recall == 1
    assert metrics.precision_recall(real, real + 1000) == (0, 0)


@given(n=st.integers(2, 12), m=st.integers(2, 12), d=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_kid_agrees_with_a_double_loop(n, m, d, seed):
    x, y = noise(n, d, seed=seed), noise(m, d, seed=seed + 1) + 0.5

    def mean_kernel(a, b, same):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (same and i == j)]
        return sum(
            (sum(a[i][c] * b[j][c] for c in range(d)).item() / d + 1) ** 3 for i, j in pairs
        ) / len(pairs)

    assert metrics.kid(x, y) == pytest.approx(
        mean_kernel(x, x, True) + mean_kernel(y, y, True) - 2 * mean_kernel(x, y, False),
        rel=1e-9,
        abs=1e-9,
    )


def test_kid_is_unbiased():
    same = torch.tensor(
        [metrics.kid(noise(10, 4, seed=2 * s), noise(15, 4, seed=2 * s + 1)) for s in range(600)]
    )
    assert abs(same.mean()) < 4 * same.std() / 600**0.5
    assert same.min() < 0 < same.max()


def test_kid_rises_with_the_distance():
    x = noise(200, 8)
    far = [metrics.kid(x, noise(200, 8, seed=1) + shift) for shift in (0.0, 0.3, 0.6, 1.2)]
    assert all(a < b for a, b in itertools.pairwise(far))


def test_metrics_of_features_are_computed_in_double_precision():
    x, y = ((100 + noise(50, 4, seed=seed)).float() for seed in (0, 1))
    assert metrics.kid(x, y) == metrics.kid(x.double(), y.double())
    assert metrics.precision_recall(x, y) == metrics.precision_recall(x.double(), y.double())


def test_metrics_of_features_refuse_what_they_cannot_compare():
    for metric, least in ((metrics.kid, 2), (metrics.precision_recall, 4)):
        with pytest.raises(
            ValueError,
            match=r"features \[N, d\] and \[M, d\].*got \(5, 3\) and \(5, 4\)",
        ):
            metric(noise(5, 3), noise(5, 4))
        with pytest.raises(ValueError, match=r"features \[N, d\] and \[M, d\]"):
            metric(noise(5, 3, 4, 4), noise(5, 3, 4, 4))
        with pytest.raises(
            ValueError, match=f"at least {least} of each are needed; got 9 and {least - 1}"
        ):
            metric(noise(9, 3), noise(least - 1, 3))


# ------------------------------------------------------------------ evaluators


@pytest.fixture(scope="module")
def judge():
    return Evaluator("portraits")


N = 400  # images a judgement: few, so that the tests are quick


@pytest.fixture(scope="module")
def fresh():
    """Portraits that neither the evaluator nor its reference has seen, and their factors."""
    return portraits.render(N, seed=777_777)


def blurred(x, times):
    for _ in range(times):
        x = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
    return x


def noisy(x, strength):
    return (x + strength * noise(*x.shape).float()).clamp(-1, 1)


def collapsed(factors, share):
    """Portraits of which this share has the same hair."""
    hair = factors["hair"].clone()
    hair[: int(share * N)] = portraits.FACTORS["hair"].index("long")
    return portraits.draw({**factors, "hair": hair})


def test_the_evaluator_reads_the_factors_of_fresh_portraits(judge):
    images, factors = portraits.render(1_000, seed=555_555)
    right = metrics.agreement(judge.read(images), factors)
    assert right.keys() == portraits.FACTORS.keys()
    assert sum(right.values()) / len(right) >= 0.97 and min(right.values()) >= 0.95


def test_images_go_through_the_evaluator_once_until_they_change(judge, fresh, monkeypatch):
    asked, images = [], data.to_float(fresh[0])
    both = judge.net.both
    monkeypatch.setattr(judge.net, "both", lambda x: asked.append(len(x)) or both(x))
    first, distance, read = judge.features(images), judge.fd(images), judge.read(images)
    assert asked == [N]
    assert torch.equal(judge.features(images.clone()), first) and asked == [N]
    judge.features(images).zero_()  # what is given away may be changed
    read["hair"].zero_()
    assert judge.fd(images) == distance and judge.read(images)["hair"].any()
    images.numpy()[0] = -1  # a change that torch does not see
    assert not torch.equal(judge.features(images)[0], first[0])
    assert torch.equal(judge.features(images)[1:], first[1:]) and asked == [N, N]
    for k in range(metrics.evaluator.KEPT):
        judge.features(images[k : k + 9])
    judge.features(images)
    assert asked[-1] == N  # only a few sets are kept


def test_agreement_counts_equal_indices_and_near_numbers():
    read = {"hair": torch.tensor([0, 1, 2, 3]), "x": torch.tensor([0.0, 0.5, -0.5, 1.0])}
    factors = {"hair": torch.tensor([0, 1, 2, 4]), "x": torch.tensor([0.1, 0.8, -0.31, 0.5])}
    assert metrics.agreement(read, factors) == {"hair": 0.75, "x": 0.5}


def test_coverage_is_half_the_sum_of_differences_and_the_share_of_values_that_come():
    read = {
        name: torch.multinomial(portraits.probabilities(name), 50_000, replacement=True)
        for name in portraits.CATEGORICAL
    }
    read["glasses"] = torch.tensor([0, 0, 0, 1]).repeat(1_000)  # data: 1/2, 1/4, 1/4
    # data: 1/2, 1/6, 1/6, 1/6, of which 0.02 is more than a tenth
    read["hat"] = torch.tensor([0] * 470 + [1] * 10 + [2] * 10 + [3] * 10)
    variation, produced = metrics.coverage(read)
    assert variation["glasses"] == pytest.approx(0.25) and variation["hat"] == pytest.approx(0.44)
    assert max(
        v for name, v in variation.items() if name not in ("glasses", "hat")
    ) < 0.02 and variation.keys() == set(portraits.CATEGORICAL)
    assert produced == pytest.approx(46 / 47)
    # 0.01 is less than a tenth of 1/6
    read["hat"][470:] = torch.tensor([0] * 20 + [1] * 5 + [2] * 5)
    assert metrics.coverage(read)[1] == pytest.approx(43 / 47)


def test_fresh_portraits_are_as_near_as_the_floor(judge, fresh):
    floor = judge.floor(N)
    assert judge.fd(fresh[0]) == pytest.approx(floor, rel=0.35)
    assert (
        judge.floor(N, seed=1) == pytest.approx(floor, rel=0.35) and judge.floor(N, seed=1) != floor
    )
    assert judge.fd(fresh[0]) == pytest.approx(judge.fd(data.to_float(fresh[0])), rel=1e-6)


@pytest.mark.parametrize("harm", ["blur", "noise", "one hair style"])
def test_fd_rises_with_the_harm_done(judge, fresh, harm):
    images, factors = fresh
    x = data.to_float(images)
    harmed = {
        "blur": [blurred(x, times) for times in (1, 2, 4)],
        "noise": [noisy(x, strength) for strength in (0.2, 0.4, 0.8)],
        "one hair style": [collapsed(factors, share) for share in (0.3, 0.6, 1.0)],
    }[harm]
    found = [judge.fd(v) for v in (images, *harmed)]
    assert all(worse > 1.1 * better for better, worse in itertools.pairwise(found)), found


def test_precision_falls_with_noise(judge, fresh):
    x = data.to_float(fresh[0])
    real = judge.features(judge.real(N).images)
    precision = [
        metrics.precision_recall(real, judge.features(noisy(x, strength)))[0]
        for strength in (0.0, 0.4, 0.8)
    ]
    assert (
        precision[0] > 0.8
        and precision[1] < 0.85 * precision[0]
        and precision[2] < 0.3 * precision[0]
    ), precision


def test_recall_falls_with_what_is_missing(judge, fresh):
    images, factors = fresh
    real = judge.features(judge.real(N).images)
    alike = portraits.draw({**factors, "hair": "bald", "hat": "beanie", "skin": "pale"})
    recall = [
        metrics.precision_recall(real, judge.features(v))[1]
        for v in (images, collapsed(factors, 1.0), alike)
    ]
    assert recall[0] > 0.8 and recall[1] < 0.75 * recall[0] and recall[2] < 0.2 * recall[0], recall


def test_the_report_holds_every_metric_beside_its_floor(judge, fresh):
    spoilt = noisy(data.to_float(fresh[0]), 0.6)
    found = judge.report(spoilt)
    assert (
        found["n"] == N and found["fd"] == judge.fd(spoilt) and found["fd_floor"] == judge.floor(N)
    )
    real, other, fake = (judge.features(v) for v in (*judge.real(2 * N).images.split(N), spoilt))
    assert (found["kid"], found["kid_floor"]) == (metrics.kid(real, fake), metrics.kid(real, other))
    assert (found["precision"], found["recall"]) == metrics.precision_recall(real, fake)
    assert (found["precision_floor"], found["recall_floor"]) == metrics.precision_recall(
        real, other
    )
    assert (
        found["fd"] > 2 * found["fd_floor"]
        and found["kid"] > 10 * abs(found["kid_floor"])
        and found["recall"] < 0.5 * found["recall_floor"]
    )


def test_the_reference_is_the_mean_and_covariance_of_real_features(judge, fresh):
    features = judge.features(fresh[0]).double()
    assert features.shape == (N, 96) and judge.mu.shape == (96,) and judge.cov.shape == (96, 96)
    spread = judge.cov.diagonal().sqrt()
    assert ((features.mean(dim=0) - judge.mu).abs() < 5 * spread / N**0.5 + 1e-3).all()
    alive = spread > 0.1
    assert alive.sum() > 20 and (features.std(dim=0)[alive] / spread[alive] - 1).abs().max() < 0.3
    assert torch.linalg.eigvalsh(judge.cov.double()).min() > -1e-4


def test_fd_compares_the_mean_and_covariance_of_features_with_the_reference(judge, fresh):
    features = judge.features(fresh[0]).double().numpy()
    wanted = frechet_distance(
        features.mean(axis=0), np.cov(features, rowvar=False), judge.mu, judge.cov
    )
    assert judge.fd(fresh[0]) == pytest.approx(wanted, rel=1e-6)


def test_features_do_not_depend_on_the_batch(judge, fresh):
    images = fresh[0][:30]
    torch.testing.assert_close(
        judge.features(images, at_once=7), judge.features(images), rtol=1e-4, atol=1e-4
    )
    assert all(
        torch.equal(v, judge.read(images)[k])
        for k, v in judge.read(images, at_once=7).items()
        if k in portraits.CATEGORICAL
    )


def test_what_is_read_of_portraits_are_indices_and_numbers(judge, fresh):
    read = judge.read(noisy(data.to_float(fresh[0][:50]), 1.0))
    for name, v in read.items():
        assert v.shape == (50,)
        assert (
            v.dtype == torch.int64
            if name in portraits.CATEGORICAL
            else (v.min() >= -1 and v.max() <= 1)
        )


@pytest.mark.parametrize(
    "images, error, message",
    [
        (
            torch.zeros(2, 1, 32, 32),
            ValueError,
            r"the portraits evaluator sees images \[N, 3, 32, 32\]; got \(2, 1, 32, 32\)",
        ),
        (
            torch.zeros(2, 3, 28, 28),
            ValueError,
            r"sees images \[N, 3, 32, 32\]; got \(2, 3, 28, 28\)",
        ),
        (torch.zeros(3, 32, 32), ValueError, r"sees images \[N, 3, 32, 32\]; got \(3, 32, 32\)"),
        (torch.full((2, 3, 32, 32), 200.0), ValueError, "these images lie between 200 and 200"),
        (torch.full((2, 3, 32, 32), -1.1), ValueError, "these images lie between"),
        (torch.full((2, 3, 32, 32), math.nan), ValueError, "these images lie between nan and nan"),
        (
            torch.zeros(2, 3, 32, 32, dtype=torch.int64),
            TypeError,
            "images are uint8 in 0..255 or float .* got torch.int64",
        ),
    ],
)
def test_the_evaluator_refuses_images_it_was_not_made_for(judge, images, error, message):
    for use in (judge.features, judge.read):
        with pytest.raises(error, match=message):
            use(images)


def test_a_frechet_distance_of_few_images_is_refused(judge):
    with pytest.raises(
        ValueError, match=r"a Fréchet distance of 255 images says nothing: .* at least 256"
    ):
        judge.fd(torch.zeros(255, 3, 32, 32))


def test_there_is_no_evaluator_for_other_images(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"'photos'.*portraits, fashion_mnist"):
        Evaluator("photos")
    monkeypatch.setattr(weights, "shipped", lambda: tmp_path)
    with pytest.raises(
        DataError,
        match=(r"evaluator_portraits.safetensors is missing.*genimg make evaluator_portraits"),
    ):
        Evaluator("portraits")


def test_the_evaluator_of_clothes_knows_them(real_data):
    judge, test = Evaluator("fashion_mnist"), data.load("fashion_mnist", "test", n=2_000)
    assert metrics.agreement(judge.read(test.images), {"label": test.labels})["label"] >= 0.90
    x = data.to_float(test.images[:N])
    found = [judge.floor(N), *(judge.fd(blurred(x, times)) for times in (1, 2, 4))]
    assert found[0] == pytest.approx(judge.fd(x), rel=0.35)
    assert all(worse > 1.1 * better for better, worse in itertools.pairwise(found)), found
