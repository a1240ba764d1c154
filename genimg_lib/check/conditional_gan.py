"""Checks of notebook 24, the conditional GAN."""

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check, Property
from genimg_lib.check.wording import A_COUNT, BY_VARIANCE, CLASS_AS_NUMBER, what_is

# ---------------------------------------------------------------- two words


def _words(ask):
    out = ask()
    if (
        not isinstance(out, tuple)
        or len(out) != 2
        or not all(isinstance(word, str) for word in out)
    ):
        return f"expected two words, for cGAN and for DCGAN, got {what_is(out)}."
    c, dc = (word.strip().lower() for word in out)
    if c.startswith("convol") and dc.startswith("condition"):
        return (
            "the two words are exchanged: cGAN stands first. Convolutional is what the C in DCGAN "
            "means."
        )
    if c.startswith("cycl"):
        return (
            "cyclic is another GAN: CycleGAN turns one kind of image into another and back "
            "(notebook 64). In cGAN something is *given* to both players."
        )
    if c.startswith("convol"):
        return (
            "convolutional is what the C in DCGAN means; in cGAN something is *given* to both "
            "players."
        )
    if c.startswith("class"):
        return (
            "a class is one thing that can be given; a text or an image are others. The word is "
            "about being given, as in p(x | c)."
        )
    if not c.startswith("condition"):
        return f"'{out[0]}' is not what the C in cGAN means. In p(x | c), what is the bar called?"
    if not dc.startswith("convol"):
        return (
            f"'{out[1]}' is not what the C in DCGAN means: its D is 'deep', and notebook 22 is "
            "about its layers."
        )
    return None


the_c = Property(
    "the_c",
    lambda: ("conditional", "convolutional"),
    _words,
    {
        "cyclic is another GAN": lambda: ("cyclic", "convolutional"),
        "the two words are exchanged": lambda: ("convolutional", "conditional"),
        "convolutional is what the C in DCGAN means; in": lambda: (
            "convolutional",
            "convolutional",
        ),
        "a class is one thing that can be given": lambda: ("class", "convolutional"),
        "is not what the C in DCGAN means: its D": lambda: ("conditional", "conditional"),
        "is not what the C in cGAN means. In": lambda: ("contrastive", "convolutional"),
    },
)

# ---------------------------------------------------------------- labels beside latents and images


def _hot(labels, classes, dtype=torch.float32):
    return F.one_hot(labels, classes).to(dtype)


def _latents_and_labels(seed, n, d, classes):
    return inputs.normal(seed, n, d), inputs.integers(seed + 50, classes, n), classes


latent_with_label = Check(
    "latent_with_label",
    lambda z, labels, classes: torch.cat([z, _hot(labels, classes, z.dtype)], dim=1),
    [
        (torch.tensor([[0.5], [-1.0]]), torch.tensor([1, 0]), 2),
        (inputs.normal(401, 4, 5), torch.tensor([2, 0, 1, 2]), 3),
        (inputs.normal(402, 3, 4), torch.tensor([1, 0, 1]), 4),
        (inputs.normal(403, 6, 2), inputs.integers(404, 10, 6), 10),
        *drawn(_latents_and_labels, count=6, seed=(0, 9), n=(1, 4), d=(1, 4), classes=(2, 5)),
    ],
    {
        f"the label went in as one number. {CLASS_AS_NUMBER}: give each class a place of its own, "
        "one-hot.": lambda z, y, k: torch.cat([z, y[:, None].to(z.dtype)], dim=1),
        "the label stands before the latent; it is wanted behind it.": lambda z, y, k: torch.cat(
            [_hot(y, k), z], dim=1
        ),
        "along the batch: the labels became latents of their own. Concatenate along the second "
        "axis.": lambda z, y, k: torch.cat([z, _hot(y, k)], dim=0),
        "added, not put beside it: then z and c cannot be told apart.": lambda z, y, k: (
            z + _hot(y, k)
        ),
        "the number of classes was taken from the batch; the largest class may not be in it.": (
            lambda z, y, k: torch.cat([z, _hot(y, int(y.max()) + 1)], dim=1),
            lambda z, y, k: torch.cat([z, F.one_hot(y).to(z.dtype)], dim=1),
            lambda z, y, k: torch.cat([z, F.one_hot(y)], dim=1),
        ),
        "the same label for all: that of the first image.": lambda z, y, k: torch.cat(
            [z, _hot(y[:1].expand(len(y)), k)], dim=1
        ),
        "the label's number is repeated; one place is 1 for each class, and the others are "
        "0.": lambda z, y, k: torch.cat([z, y[:, None].to(z.dtype).expand(-1, k)], dim=1),
        "the places are turned over: 1 marks the class, 0 the others.": lambda z, y, k: torch.cat(
            [z, 1 - _hot(y, k, z.dtype)], dim=1
        ),
        "off by one: classes are counted from 0.": (
            lambda z, y, k: torch.cat([z, _hot((y - 1) % k, k, z.dtype)], dim=1),
            lambda z, y, k: torch.cat([z, _hot((y + 1) % k, k, z.dtype)], dim=1),
        ),
        "counted from the last class: label y stands at place y.": lambda z, y, k: torch.cat(
            [z, _hot(k - 1 - y, k, z.dtype)], dim=1
        ),
        "all places up to the class are 1: classes have no order, one place is.": (
            lambda z, y, k: torch.cat([z, (torch.arange(k) <= y[:, None]).to(z.dtype)], dim=1)
        ),
        "the label's own number stands at its place; a 1 does.": lambda z, y, k: torch.cat(
            [z, _hot(y, k, z.dtype) * y[:, None]], dim=1
        ),
        "-1 for the other classes; they are 0.": lambda z, y, k: torch.cat(
            [z, 2 * _hot(y, k, z.dtype) - 1], dim=1
        ),
        "the labels are in another order than the latents.": lambda z, y, k: torch.cat(
            [z, _hot(y.flip(0), k, z.dtype)], dim=1
        ),
        "the end of the latent was written over; the label comes behind it.": lambda z, y, k: (
            torch.cat([z[:, :-k], _hot(y, k, z.dtype)], dim=1)
        ),
        "the label alone. Without z each class has one image.": lambda z, y, k: _hot(y, k),
        "the latent alone: nobody is told the label.": lambda z, y, k: z,
        "one class too many: classes are counted from 0, so `classes` places are "
        "enough.": lambda z, y, k: torch.cat([z, _hot(y, k + 1)], dim=1),
    },
)


def _maps(x, labels, classes):
    return _hot(labels, classes)[:, :, None, None].expand(-1, -1, *x.shape[2:])


def _at_one_pixel(x, labels, classes):
    maps = x.new_zeros(len(x), classes, *x.shape[2:])
    maps[:, :, 0, 0] = _hot(labels, classes)
    return torch.cat([x, maps], dim=1)


def _images_and_labels(seed, n, c, h, classes):
    return inputs.normal(seed, n, c, h, h + 1), inputs.integers(seed + 50, classes, n), classes


image_with_label = Check(
    "image_with_label",
    lambda x, labels, classes: torch.cat([x, _maps(x, labels, classes)], dim=1),
    [
        (torch.tensor([0.5, -0.5]).view(2, 1, 1, 1), torch.tensor([1, 0]), 2),
        (inputs.normal(411, 4, 3, 5, 5), inputs.integers(412, 4, 4), 4),
        (inputs.normal(413, 3, 1, 4, 6), inputs.integers(414, 10, 3), 10),
        (inputs.normal(415, 2, 2, 3, 2), torch.tensor([2, 0]), 5),
        *drawn(
            _images_and_labels, count=6, seed=(0, 9), n=(1, 3), c=(1, 3), h=(1, 3), classes=(2, 4)
        ),
    ],
    {
        f"one map with the label's number. {CLASS_AS_NUMBER}: one map for each "
        "class.": lambda x, y, k: torch.cat(
            [x, y[:, None, None, None].to(x.dtype).expand(-1, 1, *x.shape[2:])], dim=1
        ),
        "the maps stand before the image; they are wanted behind it.": lambda x, y, k: torch.cat(
            [_maps(x, y, k), x], dim=1
        ),
        "the label is at one pixel only. A convolution elsewhere would not see it: fill the whole "
        "map.": _at_one_pixel,
        "the maps of a class and of the others are exchanged: 1 marks the class.": lambda x, y, k: (
            torch.cat([x, 1 - _maps(x, y, k)], dim=1)
        ),
        "the maps are mixed up: repeat each number H W times side by side (repeat_interleave, or "
        "expand), not the row as a whole.": lambda x, y, k: torch.cat(
            [x, _hot(y, k).repeat(1, x[0, 0].numel()).view(len(x), k, *x.shape[2:])], dim=1
        ),
        "off by one: classes are counted from 0.": (
            lambda x, y, k: torch.cat([x, _maps(x, (y - 1) % k, k)], dim=1),
            lambda x, y, k: torch.cat([x, _maps(x, (y + 1) % k, k)], dim=1),
        ),
        "the labels are in another order than the images.": (
            lambda x, y, k: torch.cat([x, _maps(x, y.flip(0), k)], dim=1),
            lambda x, y, k: torch.cat([x, _maps(x, y.roll(1), k)], dim=1),
        ),
        "-1 for the other classes; they are 0.": lambda x, y, k: torch.cat(
            [x, 2 * _maps(x, y, k) - 1], dim=1
        ),
        "flattened: a convolution needs [N, C + classes, H, W].": lambda x, y, k: torch.cat(
            [x.flatten(1), _hot(y, k)], dim=1
        ),
        "[N, classes] does not fit beside [N, C, H, W]: give it two more axes and expand it to H x "
        "W.": lambda x, y, k: torch.cat([x, _hot(y, k)], dim=1),
        "maps of one pixel do not fit beside H x W: expand them.": lambda x, y, k: torch.cat(
            [x, _hot(y, k)[:, :, None, None]], dim=1
        ),
        "the image alone: D cannot know whether the generator obeyed.": lambda x, y, k: x,
        "all labels of the batch are marked in every image: maps[:, labels] picks channels, not "
        "pairs. maps[torch.arange(N), labels] marks one channel in each image.": (
            lambda x, y, k: torch.cat(
                [x, _maps(x, y, k).amax(0, keepdim=True).expand(len(x), -1, -1, -1)], dim=1
            )
        ),
        "the label's number fills all maps: one map for each class, 1 in its own and 0 in the "
        "others.": lambda x, y, k: torch.cat(
            [x, y[:, None, None, None].to(x.dtype).expand(-1, k, *x.shape[2:])], dim=1
        ),
        "the maps of the first label for all images.": lambda x, y, k: torch.cat(
            [x, _maps(x, y[:1].expand(len(y)), k)], dim=1
        ),
    },
)

# ---------------------------------------------------------------- conditional batch norm


def _statistics(x, dims=(0, 2, 3), correction=0):
    return x.mean(dims, keepdim=True), x.var(dims, keepdim=True, correction=correction)


def _normed(x, mean, var, eps=1e-5, power=0.5, dims=(0, 2, 3), correction=0):
    if mean is None:
        mean, var = _statistics(x, dims, correction)
    else:
        mean, var = mean[None, :, None, None], var[None, :, None, None]
    return (x - mean) / (var + eps) ** power


def _scaled(x, gamma, beta):
    return (1 + gamma[:, :, None, None]) * x + beta[:, :, None, None]


def _conditional(x, gamma, beta, mean=None, var=None):
    return _scaled(_normed(x, mean, var), gamma, beta)


def _changed(**how):
    """The right answer but for how it normalises."""
    return lambda x, g, b, m=None, v=None: _scaled(_normed(x, m, v, **how), g, b)


def _epsilon_outside(x, gamma, beta, mean=None, var=None):
    if mean is None:
        mean, var = _statistics(x)
    else:
        mean, var = mean[:, None, None], var[:, None, None]
    return _scaled((x - mean) / (var.sqrt() + 1e-5), gamma, beta)


def _features(seed, n, c, h, w, spread=1.0):
    x = spread * inputs.maps(seed, n, c, h, w)
    return x, 0.5 * inputs.normal(seed + 5, n, c), inputs.normal(seed + 6, n, c)


def _tight(seed):
    """Channels that hardly vary, around 0: there the epsilon counts."""
    _, gamma, beta = _features(seed, 2, 2, 3, 3)
    return 0.003 * inputs.normal(seed, 2, 2, 3, 3), gamma, beta


conditional_batch_norm = Check(
    "conditional_batch_norm",
    _conditional,
    [
        (
            torch.tensor([1.0, 3.0]).view(2, 1, 1, 1),
            torch.tensor([[0.5], [0.0]]),
            torch.tensor([[0.0], [1.0]]),
        ),
        _features(421, 3, 4, 4, 5),
        (*_features(431, 2, 3, 5, 4), inputs.normal(437, 3), 0.5 + inputs.normal(438, 3).abs()),
        _features(441, 4, 2, 3, 3),
        _tight(451),
        (*_features(461, 1, 2, 2, 2), inputs.normal(467, 2), torch.tensor([1e-5, 2e-5])),
    ],
    {
        "the 1 is missing: with gamma = 0, as a network begins, every map would be switched off. "
        "Scale by 1 + gamma.": (
            lambda x, g, b, m=None, v=None: _scaled(_normed(x, m, v), g - 1, b)
        ),
        "shifted before it was scaled: (1 + gamma) multiplies beta "
        "too.": lambda x, g, b, m=None, v=None: (
            (1 + g[:, :, None, None]) * (_normed(x, m, v) + b[:, :, None, None])
        ),
        "scaled and shifted first: normalising takes much of that off again. Normalise, then scale "
        "and shift.": (lambda x, g, b, m=None, v=None: _normed(_scaled(x, g, b), m, v)),
        "not normalised.": lambda x, g, b, m=None, v=None: _scaled(x, g, b),
        "each image was normalised by itself, which is instance norm. Batch norm's statistics run "
        "over images too.": (_changed(dims=(2, 3))),
        "each image was normalised over all of its channels, which is layer norm.": _changed(
            dims=(1, 2, 3)
        ),
        "right in training only: in evaluation var is a variance, and its root divides.": (
            lambda x, g, b, m=None, v=None: _scaled(
                _normed(x, m, v, power=0.5 if m is None else 1), g, b
            )
        ),
        "divided by 1 + gamma; it scales.": lambda x, g, b, m=None, v=None: (
            _normed(x, m, v) / (1 + g[:, :, None, None]) + b[:, :, None, None]
        ),
        "scaled by exp(gamma); it is 1 + gamma.": lambda x, g, b, m=None, v=None: (
            _normed(x, m, v) * g.exp()[:, :, None, None] + b[:, :, None, None]
        ),
        "one mean for all channels. Each channel has its own.": _changed(dims=(0, 1, 2, 3)),
        "the statistics run over the images only; they run over the places too.": _changed(dims=0),
        "the batch's statistics in evaluation too: an image would depend on what is drawn beside "
        "it. Use mean and var where they are given.": lambda x, g, b, m=None, v=None: _scaled(
            _normed(x, None, None), g, b
        ),
        BY_VARIANCE: _changed(power=1),
        "no ε: it is 1e-5, under the root, and counts where a channel hardly varies.": _changed(
            eps=0
        ),
        "another ε than 1e-5: it counts where a channel hardly varies.": tuple(
            _changed(eps=eps) for eps in (1e-2, 1e-3, 1e-4, 1e-6, 1e-7, 1e-8)
        ),
        "ε was added to the deviation; it stands under "
        "the root, beside the variance.": _epsilon_outside,
        "the batch's variance is divided by n - 1. Batch norm divides by n.": _changed(
            correction=1
        ),
        "gamma and beta are exchanged.": lambda x, g, b, m=None, v=None: _scaled(
            _normed(x, m, v), b, g
        ),
        "one scale and shift for the whole batch: the mean of gamma and of beta. Each image has "
        "its own condition.": (
            lambda x, g, b, m=None, v=None: _scaled(
                _normed(x, m, v), g.mean(0, keepdim=True), b.mean(0, keepdim=True)
            )
        ),
        "the scale and shift of the first image for all. Each image has its own "
        "condition.": lambda x, g, b, m=None, v=None: _scaled(_normed(x, m, v), g[:1], b[:1]),
        "gamma and beta are [N, C]; beside [N, C, H, W] they need two more axes, [:, :, None, "
        "None].": (lambda x, g, b, m=None, v=None: _normed(x, m, v) * (1 + g) + b),
        "the mean was not taken off.": lambda x, g, b, m=None, v=None: _scaled(
            x / ((_statistics(x)[1] if v is None else v[:, None, None]) + 1e-5).sqrt(), g, b
        ),
        "beta is missing.": lambda x, g, b, m=None, v=None: _scaled(
            _normed(x, m, v), g, torch.zeros_like(b)
        ),
    },
    gradient=("x", "gamma", "beta"),
)

# ---------------------------------------------------------------- projection


def _projection(h, c, w, b, V):
    return ((c @ V.T) * h).sum(dim=1)


def _judged(seed, n, f, k, one_hot=False):
    c = _hot(inputs.integers(seed, k, n), k) if one_hot else inputs.normal(seed, n, k)
    return (
        inputs.normal(seed + 1, n, f),
        c,
        inputs.normal(seed + 2, f),
        0.7,
        inputs.normal(seed + 3, f, k),
    )


projection_logit = Check(
    "projection_logit",
    lambda h, c, w, b, V: h @ w + b + _projection(h, c, w, b, V),
    [
        (
            torch.tensor([[2.0]]),
            torch.tensor([[3.0]]),
            torch.tensor([1.0]),
            0.5,
            torch.tensor([[1.0]]),
        ),
        _judged(471, 5, 4, 3, True),
        _judged(475, 7, 6, 2),
        _judged(479, 3, 3, 3),
        *drawn(_judged, count=6, seed=(0, 9), n=(1, 4), f=(1, 4), k=(1, 4)),
    ],
    {
        "the condition is not in it: D would never mind whether the generator "
        "obeys.": lambda h, c, w, b, V: h @ w + b,
        "only the projection: whether the image is real at all, w "
        ". h + b, is missing.": _projection,
        "the bias is missing.": lambda h, c, w, b, V: h @ w + _projection(h, c, w, b, V),
        "V c was summed up without h: that rewards conditions, whatever the image "
        "shows.": lambda h, c, w, b, V: h @ w + b + (c @ V.T).sum(dim=1),
        "every condition with every image, [N, N]. Multiply each V c with its own h, and sum over "
        "the features.": (
            lambda h, c, w, b, V: (h @ w + b)[:, None] + h @ (c @ V.T).T,
            lambda h, c, w, b, V: h @ w + b + h @ (c @ V.T).T,
            lambda h, c, w, b, V: h @ w + b + (c @ V.T) @ h.T,
        ),
        "V was reshaped: its rows are features, [F, K]; c @ V.T (or V @ c) sums over the "
        "conditions.": lambda h, c, w, b, V: (
            h @ w + b + ((c @ V.reshape(V.shape[1], V.shape[0])) * h).sum(dim=1)
        ),
        "all pairs were summed: each V c belongs to its own h.": lambda h, c, w, b, V: (
            h @ w + b + (h @ (c @ V.T).T).sum(dim=1)
        ),
        "the features are not summed: a logit is one number for each "
        "image.": lambda h, c, w, b, V: (h @ w + b)[:, None] + (c @ V.T) * h,
        "w stands where h belongs: the projection is V c times the image's features.": (
            lambda h, c, w, b, V: h @ w + b + c @ V.T @ w
        ),
        "h was multiplied by w before the projection; V c meets h itself.": lambda h, c, w, b, V: (
            h @ w + b + ((c @ V.T) * h * w).sum(dim=1)
        ),
        "the bias was added for each feature; it is one number.": lambda h, c, w, b, V: (
            (h * w + b).sum(dim=1) + ((c @ V.T) * h).sum(dim=1)
        ),
        "h was made 1 long first; it is taken as it is.": lambda h, c, w, b, V: (
            h @ w + b + ((c @ V.T) * F.normalize(h, dim=1)).sum(dim=1)
        ),
        "divided by the root of the number of features, as attention is; here nothing "
        "is.": lambda h, c, w, b, V: h @ w + b + ((c @ V.T) * h).sum(dim=1) / h.shape[1] ** 0.5,
        "averaged over the features; a scalar product sums.": lambda h, c, w, b, V: (
            h @ w + b + ((c @ V.T) * h).mean(dim=1)
        ),
        "the two parts are multiplied; they are added.": lambda h, c, w, b, V: (
            (h @ w + b) * _projection(h, c, w, b, V)
        ),
        "summed over the batch instead of over the features.": lambda h, c, w, b, V: (
            h @ w + b + ((c @ V.T) * h).sum(dim=0)
        ),
        "summed over the whole batch: every image gets the agreement of "
        "all.": lambda h, c, w, b, V: h @ w + b + ((c @ V.T) * h).sum(),
    },
    gradient=("h", "w", "V"),
)

# ---------------------------------------------------------------- obedience


def _asked_and_made(seed, n, k):
    asked = inputs.integers(seed, k, n)
    return asked, inputs.normal(seed + 50, n, k) + 2 * _hot(asked, k)


def _obedience(asked, logits):
    return (logits.argmax(dim=1) == asked).double().mean()


obedience = Check(
    "obedience",
    _obedience,
    [
        (torch.tensor([0, 1, 1]), torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]])),
        _asked_and_made(481, 40, 5),
        _asked_and_made(482, 24, 3),
        _asked_and_made(483, 30, 10),
        *drawn(_asked_and_made, count=6, seed=(0, 9), n=(2, 8), k=(2, 5)),
    ],
    {
        "this is disobedience: the share of images that show something else.": lambda a, x: (
            (x.argmax(dim=1) != a).double().mean()
        ),
        A_COUNT + " Divide by the number of images.": lambda a, x: (x.argmax(dim=1) == a).sum(),
        "the largest logit of each *class* was looked for. Each image is a row: "
        "dim=1.": lambda a, x: (x.argmax(dim=0) == a).double().mean(),
        "the place of the largest logit of all, in the whole batch. Each image is a row: "
        "dim=1.": lambda a, x: (x.argmax() == a).double().mean(),
        "the classifier's mean probability of what was asked. Obedience counts what it recognises, "
        "its largest logit.": (lambda a, x: x.softmax(dim=1).gather(1, a[:, None]).mean()),
        "every image with every wish, [N, N]: a [N, 1] beside a [N]. Both are [N].": (
            lambda a, x: (x.argmax(dim=1, keepdim=True) == a).double().mean(),
            lambda a, x: (a[:, None] == x.argmax(dim=1)).double().mean(),
        ),
        "a probability above 1/2 was taken for recognition. It is the largest of all classes that "
        "counts.": lambda a, x: (x.softmax(dim=1).gather(1, a[:, None]) > 0.5).double().mean(),
        "the two best classes count as right; only the best does.": lambda a, x: (
            (x.topk(2, dim=1).indices == a[:, None]).any(dim=1).double().mean()
        ),
        "the mean over the classes, each by itself; every *image* counts the same.": lambda a, x: (
            torch.stack([(x.argmax(dim=1) == a)[a == k].double().mean() for k in a.unique()]).mean()
        ),
        "chance was taken off; the share itself is wanted.": lambda a, x: (
            (x.argmax(dim=1) == a).double().mean() - 1 / x.shape[1]
        ),
        "the frequencies of the classes were compared, whoever asked for them. Compare image by "
        "image.": lambda a, x: (
            torch.minimum(
                a.bincount(minlength=x.shape[1]), x.argmax(dim=1).bincount(minlength=x.shape[1])
            ).sum()
            / len(a)
        ),
        "one answer for each image; give their mean.": lambda a, x: (x.argmax(dim=1) == a).double(),
        "how often each class came, whoever asked for it. Compare image by image.": lambda a, x: (
            (a.bincount(minlength=x.shape[1]) == x.argmax(dim=1).bincount(minlength=x.shape[1]))
            .double()
            .mean()
        ),
        "how far the class numbers are apart. Classes have no order: equal or not.": lambda a, x: (
            (x.argmax(dim=1) - a).abs().double().mean()
        ),
        "divided by the number of classes; it is the share of the images.": lambda a, x: (
            (x.argmax(dim=1) == a).sum() / x.shape[1]
        ),
        "a logit above 0 was taken for recognition. The classifier recognises the class with the "
        "largest one.": lambda a, x: (x.gather(1, a[:, None]) > 0).double().mean(),
        "divided by // or rounded: the share is a fraction.": (
            lambda a, x: (x.argmax(dim=1) == a).sum() // len(a),
            lambda a, x: (x.argmax(dim=1) == a).double().mean().round(),
        ),
        "the largest logit itself was compared with a class; its place (argmax) is the "
        "class.": lambda a, x: (x.max(dim=1).values == a).double().mean(),
        "the smallest logit; the classifier recognises the class with the largest "
        "one.": lambda a, x: (x.argmin(dim=1) == a).double().mean(),
    },
)


def _shares(classes, k):
    return classes.bincount(minlength=k).double() / len(classes)


def _uneven(seed, n, k):
    asked = (inputs.integers(seed, k, n) * inputs.integers(seed + 1, 2, n)).clamp(max=k - 1)
    other = (inputs.integers(seed + 2, k, n) + inputs.integers(seed + 3, 2, n)) % k
    return asked, torch.where(inputs.integers(seed + 4, 3, n) == 0, asked, other), k


obedience_by_chance = Check(
    "obedience_by_chance",
    lambda asked, made, classes: (asked[:, None] == made).double().mean(),
    [
        (torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1]), 2),
        _uneven(491, 30, 3),
        _uneven(496, 50, 4),
        _uneven(501, 21, 7),
        *drawn(_uneven, count=6, seed=(0, 9), n=(3, 9), k=(2, 4)),
    ],
    {
        "bincount is as long as the largest class that occurs; classes that nobody asked for need "
        "minlength=classes.": lambda a, m, k: (
            a.bincount() / len(a) * (m.bincount() / len(m))
        ).sum(),
        "1 / classes holds only where all classes are asked for, or made, equally "
        "often.": lambda a, m, k: 1 / k,
        "this is the obedience itself. By chance means: had all wishes been dealt out anew, each "
        "image's own among them.": lambda a, m, k: (a == m).double().mean(),
        "each image's own wish was left out; chance deals out all of them, its own "
        "too.": lambda a, m, k: (
            ((a[:, None] == m).sum() - (a == m).sum()) / (len(a) * (len(a) - 1))
        ),
        "with the shares of what was asked, twice. What was *made* has shares of its "
        "own.": lambda a, m, k: _shares(a, k).square().sum(),
        "with the shares of what was made, twice. What was *asked* has shares of its "
        "own.": lambda a, m, k: _shares(m, k).square().sum(),
        "the share of the class that is asked for most: a generator that makes only this one. Ours "
        "makes others too.": (lambda a, m, k: _shares(a, k).max(),),
        "the share of the class that was made most: all classes count, by the product of their "
        "shares.": lambda a, m, k: _shares(m, k).max(),
        "averaged over the classes; sum the products of the shares.": lambda a, m, k: (
            _shares(a, k) * _shares(m, k)
        ).mean(),
        "counts, not shares: divide both by the number of images.": lambda a, m, k: (
            (_shares(a, k) * _shares(m, k)).sum() * len(a) ** 2
        ),
        "divided by the number of images once; there are two shares in each "
        "product.": lambda a, m, k: (_shares(a, k) * _shares(m, k)).sum() * len(a),
        "how much the two sets of shares overlap. Chance multiplies them.": lambda a, m, k: (
            torch.minimum(_shares(a, k), _shares(m, k)).sum()
        ),
        "the shares were added; that two independent things agree is a product.": lambda a, m, k: (
            _shares(a, k) + _shares(m, k)
        ).sum(),
        "one product for each class; sum them.": lambda a, m, k: _shares(a, k) * _shares(m, k),
        "the images were dealt out at random once; the mean over all ways to deal is wanted.": (
            lambda a, m, k: (a == m[torch.randperm(len(m))]).double().mean(),
        ),
    },
)
