"""Portraits: same seed, same bytes; every factor is seen; captions tell the truth."""

import itertools
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genimg_lib import data
from genimg_lib.data import portraits

# all else is none
PLAIN = {"hair": "short", "hair_color": "brown", "skin": "light", "eyes": "blue", "outfit": "red"}
EXTREMES = [
    dict(zip(portraits.CONTINUOUS, pose, strict=True))
    for pose in itertools.product((-1.0, 1.0), repeat=4)
]


def painted(size, **factors):
    """One portrait as floats [3, size, size]."""
    return portraits.draw({**PLAIN, **factors}, size)[0].float()


# ------------------------------------------------------------------ same bytes


@given(n=st.integers(1, 20), size=st.integers(8, 40), seed=st.integers(0, 10**6))
def test_the_same_seed_and_size_give_the_same_bytes(n, size, seed):
    (images, factors), (again, factors_again) = (
        portraits.render(n, size, seed),
        portraits.render(n, size, seed),
    )
    assert images.shape == (n, 3, size, size) and images.dtype == torch.uint8
    assert torch.equal(images, again)
    assert factors.keys() == portraits.FACTORS.keys() and all(
        torch.equal(v, factors_again[k]) for k, v in factors.items()
    )


def test_the_state_of_torch_s_own_random_numbers_is_neither_used_nor_changed():
    torch.manual_seed(1)
    state, images = torch.get_rng_state(), portraits.render(5, 16, seed=3)[0]
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert torch.equal(portraits.render(5, 16, seed=3)[0], images)


@pytest.mark.parametrize("size", [17, 32, 64])
def test_pictures_do_not_depend_on_how_many_are_drawn_at_once(monkeypatch, size):
    factors = portraits.sample(60, seed=4)
    images = portraits.draw(factors, size)
    for pixels in (1, 7 * size * size, 1 << 30):
        monkeypatch.setattr(portraits.drawing, "_PIXELS_AT_ONCE", pixels)
        assert torch.equal(portraits.draw(factors, size), images), pixels


def test_pictures_do_not_depend_on_the_number_of_threads():
    threads, drawn = torch.get_num_threads(), []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            drawn.append(portraits.render(40, 32, seed=5)[0])
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*drawn)


@pytest.mark.parametrize("size", [32, 64])
def test_painting_in_bands_leaves_nothing_out_in_any_pose(monkeypatch, size):
    faces = [
        {**pose, name: value}
        for pose in EXTREMES
        for name in portraits.CATEGORICAL
        for value in portraits.FACTORS[name]
    ]
    faces += [
        {**pose, "hair": hair, "beard": beard}
        for pose in EXTREMES
        for hair in portraits.FACTORS["hair"]
        for beard in ("moustache", "full")
    ]
    full = {
        name: [f.get(name, {**PLAIN, "hair": "bald"}.get(name, 0)) for f in faces]
        for name in portraits.FACTORS
    }
    in_bands = portraits.draw(full, size)
    monkeypatch.setattr(
        portraits.drawing,
        "_LAYERS",
        tuple((name, parts, -1.01, 1.01) for name, parts, _, _ in portraits.drawing._LAYERS),
    )
    different = (portraits.draw(full, size) != in_bands).flatten(1).any(dim=1)
    assert not different.any(), faces[different.nonzero()[0]]


# ------------------------------------------------------------------ factors


def test_there_are_at_least_ten_factors_of_both_kinds():
    assert len(portraits.FACTORS) >= 10
    assert len(portraits.CATEGORICAL) >= 5 and len(portraits.CONTINUOUS) >= 2
    assert set(portraits.CATEGORICAL) | set(portraits.CONTINUOUS) == set(portraits.FACTORS)


@pytest.mark.parametrize("name", portraits.CATEGORICAL)
def test_every_value_of_a_factor_is_seen_at_32_pixels(name):
    drawn = [painted(32, **{name: value}) for value in portraits.FACTORS[name]]
    for (a, x), (b, y) in itertools.combinations(
        zip(portraits.FACTORS[name], drawn, strict=True), 2
    ):
        difference = (x - y).abs()
        assert difference.mean() > 0.4 and (difference.amax(dim=0) > 16).sum() >= 12, (name, a, b)


@pytest.mark.parametrize("hat", portraits.FACTORS["hat"])
def test_hair_is_told_apart_under_every_hat(hat):
    for a, b in itertools.combinations(portraits.FACTORS["hair"], 2):
        assert (painted(32, hair=a, hat=hat) - painted(32, hair=b, hat=hat)).abs().mean() > 2, (
            a,
            b,
        )


@pytest.mark.parametrize("name", portraits.CONTINUOUS)
def test_continuous_factors_move_the_picture_steadily(name):
    drawn = [painted(32, **{name: value}) for value in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    far, steps = (
        (drawn[0] - drawn[-1]).abs().mean(),
        [(a - b).abs().mean() for a, b in itertools.pairwise(drawn)],
    )
    assert far > 2 and all(0.2 * far < step < far for step in steps)


def test_x_and_y_move_the_face_right_and_down_by_as_much_as_they_say():
    here, moved = painted(200), painted(200, x=1.0, y=1.0)  # 0.10 and 0.06 of 100 pixels
    face = here[:, 75:125, 75:125]
    assert (moved[:, 81:131, 85:135] - face).abs().max() <= 1
    assert (moved[:, 75:125, 75:125] - face).abs().mean() > 5


def pupils(picture):
    """The middles of the left and the right iris, (x, y) each, in a picture with blue eyes."""
    blue = (picture - 255 * portraits.drawing._COLORS["eyes"][1][:, None, None]).abs().amax(
        dim=0
    ) < 3
    y, x = blue.nonzero().double().unbind(dim=1)
    left = x < x.mean()
    return torch.stack([x[left].mean(), y[left].mean()]), torch.stack(
        [x[~left].mean(), y[~left].mean()]
    )


@pytest.mark.parametrize("tilt", [-1.0, 0.0, 0.5, 1.0])
def test_tilt_turns_the_head_clockwise_by_twelve_degrees(tilt):
    left, right = pupils(painted(256, tilt=tilt))
    dx, dy = right - left  # y downwards: clockwise is positive
    assert torch.atan2(dy, dx).rad2deg().item() == pytest.approx(12 * tilt, abs=0.5)


def test_width_widens_the_face():
    apart = [
        right[0] - left[0]
        for left, right in (pupils(painted(256, width=w)) for w in (-1.0, 0.0, 1.0))
    ]
    assert (apart[2] / apart[0]).item() == pytest.approx(0.5 / 0.39, rel=0.02)
    assert (apart[0] + apart[2]).item() == pytest.approx(2 * apart[1].item(), rel=0.01)


def test_a_large_portrait_is_the_small_one_in_finer_detail():
    factors = portraits.sample(20, seed=6)
    large, small = portraits.draw(factors, 256), portraits.draw(factors, 32).float()
    assert large.shape == (20, 3, 256, 256)
    assert (large.float().unfold(2, 8, 8).unfold(3, 8, 8).mean(dim=(4, 5)) - small).abs().mean() < 4
    # its edges are a pixel wide, not eight
    assert (large.float().diff(dim=3).abs().amax(dim=(1, 2, 3)) > 100).all()


@given(n=st.integers(1, 50), seed=st.integers(0, 10**6))
def test_sampled_factors_have_their_types_and_ranges(n, seed):
    for name, v in portraits.sample(n, seed).items():
        assert v.shape == (n,)
        if name in portraits.CATEGORICAL:
            assert (
                v.dtype == torch.int64 and v.min() >= 0 and v.max() < len(portraits.FACTORS[name])
            )
        else:
            assert v.dtype == torch.float32 and v.min() >= -1 and v.max() < 1


def test_sampled_factors_are_independent_and_none_is_rare():
    factors = portraits.sample(20_000, seed=7)
    for name in portraits.CATEGORICAL:
        share = factors[name].bincount() / 20_000
        assert len(share) == len(portraits.FACTORS[name]) and share.min() > 0.12, name
    for name in portraits.CONTINUOUS:
        assert abs(factors[name].mean()) < 0.03 and factors[name].std().item() == pytest.approx(
            3**-0.5, abs=0.01
        )
    correlation = torch.corrcoef(torch.stack([v.double() for v in factors.values()])) - torch.eye(
        len(factors)
    )
    assert correlation.abs().max() < 0.04


# ------------------------------------------------------------------ what draw takes


def test_draw_takes_names_numbers_tensors_and_mixtures_of_them():
    wanted = portraits.draw(
        {"hair": ["long", "bald", "bob"], "hat": ["cap"] * 3, "x": [0.5, -1.0, 0.0]}, 24
    )
    assert wanted.shape == (3, 3, 24, 24) and not torch.equal(wanted[0], wanted[1])
    for factors in (
        {"hair": [4, 0, 3], "hat": 2, "x": [0.5, -1, 0]},
        {"hair": torch.tensor([4, 0, 3]), "hat": "cap", "x": torch.tensor([0.5, -1.0, 0.0])},
        {"hair": ["long", 0, "bob"], "hat": torch.tensor(2), "x": (0.5, -1.0, 0.0)},
    ):
        assert torch.equal(portraits.draw(factors, 24), wanted)


def test_what_is_not_given_takes_its_first_value_or_the_middle():
    first = {name: 0 for name in portraits.FACTORS}
    assert portraits.draw({}).shape == (1, 3, 32, 32)
    assert torch.equal(portraits.draw({}), portraits.draw(first))
    assert {k: v.item() for k, v in portraits.as_tensors({}).items()} == first


@pytest.mark.parametrize(
    "factors, message",
    [
        ({"nose": 1}, "unknown factor 'nose'; known: background, skin"),
        ({"hair": "mohican"}, "factor 'hair' is 'mohican'; its values are bald, short"),
        ({"hair": 6}, "factor 'hair' is 6; its values are"),
        ({"hair": -1}, "factor 'hair' is -1; its values are"),
        ({"hair": 1.5}, "factor 'hair' is 1.5; its values are"),
        ({"hat": torch.tensor([0, 9])}, "factor 'hat' is .*or 0 to 3"),
        ({"x": 1.5}, "factor 'x' is 1.5; it goes from -1.0 to 1.0"),
        ({"tilt": float("nan")}, "factor 'tilt' is nan; it goes from"),
        ({"hair": [0, 1], "hat": [0, 1, 2]}, r"different lengths: .*'hair': 2.*'hat': 3"),
    ],
)
def test_draw_refuses_factors_that_make_no_sense(factors, message):
    for use in (portraits.draw, portraits.caption):
        with pytest.raises(ValueError, match=message):
            use(factors)


@pytest.mark.parametrize("size", [7, 1, 0, -32])
def test_draw_refuses_sizes_below_eight(size):
    with pytest.raises(
        ValueError, match=f"size is {size}; portraits are drawn at 8 pixels or more"
    ):
        portraits.draw({}, size)


def test_at_least_one_portrait_has_to_be_asked_for():
    with pytest.raises(ValueError, match="n is 0; at least 1 portrait"):
        portraits.render(0)


# ------------------------------------------------------------------ captions


def either(name):
    return "|".join(sorted(portraits.FACTORS[name], key=len, reverse=True))


MOUTHS = {
    "smile": "smiling|happy|with a smile",
    "grin": "grinning|laughing|with a big grin",
    "calm": "calm|serious|with a calm look|looking serious",
    "surprised": "surprised|astonished|with an open mouth|looking surprised",
}
# a phrase, and what it claims: read off the sentence without a look at the code that writes it
CLAIMS = [
    (f"(?P<skin>{either('skin')}) skin", {}),
    (f"(?P<eyes>{either('eyes')}) eyes", {}),
    ("(?P<glasses>round|square) glasses", {}),
    ("a moustache", {"beard": "moustache"}),
    ("a beard", {"beard": "full"}),
    ("a bald head", {"hair": "bald"}),
    (f"(?P<hair>short|curly|long) (?P<hair_color>{either('hair_color')}) hair", {}),
    (f"a (?P<hair_color>{either('hair_color')}) bob", {"hair": "bob"}),
    (f"(?P<hair_color>{either('hair_color')}) hair in bunches", {"hair": "bunches"}),
    (f"a (?P<outfit>{either('outfit')}) (woolly hat|beanie)", {"hat": "beanie"}),
    (f"a (?P<outfit>{either('outfit')}) (baseball )?cap", {"hat": "cap"}),
    (f"a (?P<outfit>{either('outfit')}) (sun hat|wide-brimmed hat)", {"hat": "sun hat"}),
    (f"a (?P<outfit>{either('outfit')}) shirt", {}),
    (
        (
            f"on a (?P<background>{either('background')}) background|before a"
            f" (?P<background_>{either('background')}) wall"
        ),
        {},
    ),
    *((words, {"mouth": mouth}) for mouth, words in MOUTHS.items()),
]


def claims(sentence):
    """({(factor, value)} that a sentence claims, the words that claim nothing)."""
    found = set()
    for phrase, meant in CLAIMS:
        for match in re.finditer(rf"\b({phrase})\b", sentence):
            found |= set(meant.items()) | {
                (k.strip("_"), v) for k, v in match.groupdict().items() if v
            }
    rest = re.sub(
        "|".join(rf"\b({re.sub('[?]P<[a-z_]+>', '', phrase)})\b" for phrase, _ in CLAIMS),
        "",
        sentence,
    )
    return found, set(re.findall(r"[^\s,]+", rest))


@pytest.mark.parametrize("seed", range(3))
def test_captions_tell_the_truth_and_nothing_else(seed):
    factors = portraits.sample(1_500, seed)
    for i, sentence in enumerate(portraits.caption(factors, seed)):
        true = {(name, portraits.FACTORS[name][factors[name][i]]) for name in portraits.CATEGORICAL}
        claimed, rest = claims(sentence)
        assert claimed <= true, (sentence, claimed - true)
        assert rest <= {"a", "an", "with", "and", "of", "someone", "face", "person", "portrait"}, (
            sentence,
            rest,
        )
        told = {
            (k, v)
            for k, v in true
            if k in ("hair", "mouth", "glasses", "hat", "beard") and v != "none"
        }
        assert told <= claimed, (sentence, told - claimed)
        assert ("hair", "bald") in true or any(k == "hair_color" for k, _ in claimed), sentence


def test_captions_are_well_formed():
    for sentence in portraits.caption(portraits.sample(3_000, seed=11), seed=12):
        assert (
            sentence == sentence.strip()
            and "  " not in sentence
            and " ," not in sentence
            and "None" not in sentence
        ), sentence
        assert re.fullmatch(r"an? [a-z, -]+[a-z]", sentence), sentence
        assert not re.search(
            r"\ba [aeiou]|\ban [^aeiou]|\b(\w+) \1\b|, and with|with with", sentence
        ), sentence


def test_one_face_has_many_phrasings_and_a_seed_chooses_always_the_same():
    faces = portraits.sample(30, seed=13)
    by_seed = [portraits.caption(faces, seed) for seed in range(20)]
    assert all(len(set(phrasings)) >= 6 for phrasings in zip(*by_seed, strict=True))
    assert portraits.caption(faces, 4) == by_seed[4]
    # and so does one seed
    assert len(set(portraits.caption({"hair": ["curly"] * 20, "hat": "cap"}))) >= 6


# ------------------------------------------------------------------ load("portraits")


def test_load_gives_portraits_with_captions_and_factors():
    found = data.load("portraits", n=50, size=24, seed=3)
    assert found.images.shape == (50, 3, 24, 24) and found.images.dtype == torch.uint8
    assert (
        len(found) == len(found.captions) == 50
        and found.labels is None
        and "portraits" in found.title
    )
    assert found.factors.keys() == portraits.FACTORS.keys() and all(
        len(v) == 50 for v in found.factors.values()
    )
    assert torch.equal(portraits.draw(found.factors, 24), found.images)
    for sentence, hair in zip(found.captions, found.factors["hair"], strict=True):
        assert ("bald" in sentence) == (hair == 0)


def test_load_gives_as_many_portraits_as_it_says():
    assert data.load("portraits", size=8).images.shape == (10_000, 3, 8, 8)
    assert data.load("portraits", "test", size=8).images.shape == (2_000, 3, 8, 8)
    assert data.load("portraits", n=2).images.shape[-2:] == (32, 32)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_training_and_test_portraits_are_different_faces(seed):
    train = data.load("portraits", n=300, seed=seed)
    assert torch.equal(train.images, data.load("portraits", n=300, seed=seed).images)
    for other in (data.load("portraits", "test", n=300, seed=s) for s in range(4)):
        poses = torch.cdist(
            *(
                torch.stack([v.factors[k] for k in portraits.CONTINUOUS], dim=1)
                for v in (train, other)
            )
        )
        assert poses.min() > 0


# -------------------------------------------------- probabilities and one-hot vectors


@pytest.mark.parametrize("name", portraits.CATEGORICAL)
def test_factors_come_as_often_as_their_probabilities_say(name):
    p, drawn = portraits.probabilities(name), portraits.sample(40_000, seed=9)[name]
    assert p.shape == (len(portraits.FACTORS[name]),) and p.sum().item() == pytest.approx(1)
    counted = torch.bincount(drawn, minlength=len(p)) / len(drawn)
    # five standard deviations of the least certain share, of 40,000
    assert (counted - p).abs().max() < 5 * 0.5 / 200


@pytest.mark.parametrize("name", ["x", "moustache"])
def test_only_categorical_factors_have_probabilities(name):
    with pytest.raises(ValueError, match="no categorical factor; those are background, skin"):
        portraits.probabilities(name)


@given(n=st.integers(1, 20), seed=st.integers(0, 10**6))
def test_one_hot_vectors_hold_each_factors_value_and_nothing_else(n, seed):
    factors = portraits.sample(n, seed)
    c, begins = portraits.one_hot(factors), 0
    assert (
        c.shape == (n, sum(len(portraits.FACTORS[name]) for name in portraits.CATEGORICAL))
        and c.dtype == torch.float32
    )
    for name in portraits.CATEGORICAL:
        part = c[:, begins : begins + len(portraits.FACTORS[name])]
        assert (
            torch.equal(part.argmax(dim=1), factors[name])
            and torch.equal(part.sum(dim=1), torch.ones(n))
            and part.max() == 1
        )
        begins += part.shape[1]


def test_one_hot_takes_names_and_fills_in_what_is_not_given():
    c = portraits.one_hot({"hair": ["long", "bald"], "hat": "cap"})
    assert torch.equal(
        c, portraits.one_hot({"hair": torch.tensor([4, 0]), "hat": 2, "background": 0})
    )
    with pytest.raises(ValueError, match="unknown factor 'hairs'"):
        portraits.one_hot({"hairs": "long"})
