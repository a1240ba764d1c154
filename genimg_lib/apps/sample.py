"""What `genimg sample` does: pictures from the generators that come with the course."""

import io
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from genimg_lib import flow, layers, plots, pretrained, weights
from genimg_lib.apps.wishes import WISHES, Sentences
from genimg_lib.data import load, to_uint8
from genimg_lib.errors import unknown
from genimg_lib.files import check_writable, write_atomically

MOST = 10_000  # images of one call
JUDGED = 2_000  # images that --measure looks at
GUIDANCE = 2.0  # of what is told sentences: more words are obeyed than at 1


class Model(NamedTuple):
    """A stored generator.

    about: one line for people.
    load: () -> network, frozen.
    draw: (network, n, generator, conditions or None) -> images [n, C, H, W] in [-1, 1].
    data: the set that it learned from, which its evaluator knows.
    told: True where it obeys a description, in the words of WISHES[data] or of `words`.
    words: how it is asked, where it is not as WISHES[data] says.
    size: pixels of its images, where they are not the set's usual ones.
    """

    about: str
    load: Callable
    draw: Callable
    data: str = "portraits"
    told: bool = False
    size: int | None = None
    words: object = None

    @property
    def wishes(self):
        return self.words or WISHES[self.data]


def _by_gan(G, n, generator, c):
    z = torch.randn(n, G.latent, generator=generator)
    return layers.in_batches(G, z) if c is None else layers.in_batches(G, z, c)


def _by_styles(G, n, generator, _):
    return G.sample(n, generator)


def _by_vae(net, n, generator, c):
    eps = torch.randn(n, net.decoder.latent, generator=generator)
    return torch.cat([net.sample(*part) for part in layers.parts(eps, c)])


def _by_flow(name):
    def draw(net, n, generator, c):
        noise = torch.randn(n, net.channels, net.size, net.size, generator=generator)
        shares = pretrained.facts(name).get("shares")
        if shares:
            c = flow.drawn_groups(shares, n, generator)
        return flow.draw(net, noise, c=c)

    return draw


def _by_one_step(net, n, generator, _):
    noise = torch.randn(n, net.channels, net.size, net.size, generator=generator)
    return flow.draw_once(net, noise)


def _by_latents(net, n, generator, c):
    return net.draw(torch.randn(n, *net.shape, generator=generator), c=c)


def _by_codes(net, n, generator, c):
    return torch.cat([net.sample(len(part), generator, part) for part in c.split(250)])


def _by_sentences(net, n, generator, sentences):
    noise = torch.randn(n, net.channels, net.size, net.size, generator=generator)
    return net.draw(net.encode(sentences), noise, w=GUIDANCE)


def _stored_gan(name):
    return lambda: pretrained.load_generator(name)


MODELS = {
    "flow_portraits": Model(
        "a flow, notebook 00",
        lambda: pretrained.load_flow("flow_portraits"),
        _by_flow("flow_portraits"),
    ),
    "flow_fashion_mnist": Model(
        "a flow told groups of look-alikes",
        lambda: pretrained.load_flow("flow_fashion_mnist"),
        _by_flow("flow_fashion_mnist"),
        data="fashion_mnist",
    ),
    "conditional_flow_portraits": Model(
        "a flow told all factors, notebook 53",
        lambda: pretrained.load_flow("conditional_flow_portraits"),
        _by_flow("conditional_flow_portraits"),
        told=True,
    ),
    "text_flow_portraits": Model(
        "a flow told sentences, notebook 65",
        pretrained.load_text_flow,
        _by_sentences,
        told=True,
        words=Sentences("text_flow_portraits"),
    ),
    "latent_flow_portraits_64": Model(
        "a flow of latents told all factors, 64 pixels, notebook 54",
        lambda: pretrained.load_latent_flow("latent_flow_portraits_64"),
        _by_latents,
        told=True,
        size=64,
    ),
    "one_step_portraits": Model(
        "a flow made into a generator of one call, notebook 52",
        lambda: pretrained.load_flow("one_step_portraits"),
        _by_one_step,
    ),
    "gan_portraits": Model("a DCGAN, notebook 22", _stored_gan("gan_portraits"), _by_gan),
    "stable_gan_portraits": Model(
        "a relativistic GAN, notebook 23", _stored_gan("stable_gan_portraits"), _by_gan
    ),
    "style_gan_portraits": Model(
        "a style-based GAN, notebook 25", pretrained.load_style_generator, _by_styles
    ),
    "conditional_gan_portraits": Model(
        "a conditional GAN, notebook 24",
        _stored_gan("conditional_gan_portraits"),
        _by_gan,
        told=True,
    ),
    "conv_vae_portraits": Model(
        "a VAE with a prior that moves, notebook 32",
        lambda: pretrained.load_vae("conv_vae_portraits"),
        _by_vae,
        told=True,
    ),
    "vae_gan_portraits": Model(
        "a VAE finished with a discriminator, notebook 34",
        lambda: pretrained.load_vae("vae_gan_portraits"),
        _by_vae,
        told=True,
    ),
    "codes_portraits": Model(
        "codes with a causal prior, notebook 33",
        lambda: pretrained.load_codes("codes_portraits"),
        _by_codes,
        told=True,
    ),
    "codes_fashion_mnist": Model(
        "codes with a causal prior, notebook 33",
        lambda: pretrained.load_codes("codes_fashion_mnist"),
        _by_codes,
        data="fashion_mnist",
        told=True,
    ),
}


class Asked(NamedTuple):
    """A call of `sample_file` that can be carried out."""

    model: Model
    conditions: torch.Tensor | None  # [n, K]
    given: dict  # {name: index} of what was asked for
    out: Path
    is_folder: bool
    text: str | None  # in which it was asked for


def sample_file(
    name, out, n=64, seed=0, given=None, scale=None, measure=False, overwrite=False, say=print
):
    """Draw images of a stored generator into a file; returns the paths written.

    name: of MODELS.
    out: a .png for one picture of all; a name without a suffix for a folder with a picture each.
    n: images, 1 to 10,000. seed: of latents and of what the description leaves open.
    given: a description, where the model obeys one: "red hair, round glasses".
    scale: pixels a side that each pixel becomes; left out, 3 in one picture and 1 in a folder.
    measure: also say how good the model is: distance, precision, recall and floors by 2,000 other
        images; with `given`, how often what was asked for is there.
    Raises ValueError or OSError before anything is drawn: for an unknown model, an n or a scale
    that cannot be, a description that no caption could be, a place that is taken or cannot be
    written. Raises DataError for weights that are missing or of another version.
    """
    asked = _checked(name, out, n, seed, given, scale, overwrite)
    net = asked.model.load()
    generator = torch.Generator().manual_seed(seed)
    began = time.perf_counter()
    images = to_uint8(asked.model.draw(net, n, generator, asked.conditions))
    seconds = time.perf_counter() - began
    if asked.is_folder:
        paths = _write_each(images, asked.out, scale or 1)
    else:
        paths = [asked.out]
        write_atomically(asked.out, _png(_sheet(images, scale or 3)))
    images_said = f"{n:,} image{'s' * (n > 1)}"
    say(f"{images_said} in {seconds:.2f} s, {1000 * seconds / n:.1f} ms each, seed {seed}")
    if measure:
        for line in _measured(asked, net, seed):
            say(line)
    return paths


def listing():
    """A line for each model: its name, what it is, what it is known to reach."""
    lines = []
    for name, model in MODELS.items():
        if name not in weights.names():
            lines.append(f"{name:<26} missing; genimg make {name}")
            continue
        facts = weights.facts(name)
        known = f"distance {facts['fd']:.2f} (floor {facts['fd_floor']:.2f})"
        obeys = "; obeys --given" if model.told else ""
        lines.append(f"{name:<26} {model.about}; {model.data}; {known}{obeys}")
    return lines


def _checked(name, out, n, seed, given, scale, overwrite):
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    if not 1 <= n <= MOST:
        raise ValueError(f"expected 1 to {MOST:,} images, got {n:,}")
    if scale is not None and not 1 <= scale <= 32:
        raise ValueError(f"expected a scale of 1 to 32, got {scale}")
    model, asked_for = MODELS[name], {}
    if given is not None:
        if not model.told:
            told = [k for k, m in MODELS.items() if m.told]
            raise ValueError(f"{name} obeys no description; those do: {', '.join(told)}")
        asked_for = model.wishes.read(given)
    conditions = model.wishes.conditions(asked_for, n, seed, given) if model.told else None
    out = Path(out).expanduser()
    is_folder = out.suffix == ""
    _check_place(out, is_folder, overwrite)
    return Asked(model, conditions, asked_for, out, is_folder, given)


def _check_place(out, is_folder, overwrite):
    if not is_folder and out.suffix.lower() != ".png":
        raise ValueError(f"expected a .png, or a name without a suffix for a folder, got {out}")
    if out.is_dir() != is_folder and out.exists():
        raise ValueError(
            f"{out} is {'a folder' if out.is_dir() else 'a file'}; nothing was written"
        )
    taken = any(out.iterdir()) if out.is_dir() else out.exists()
    if taken and not overwrite:
        raise ValueError(f"{out} is there already; another name, or --overwrite")
    if not out.parent.is_dir():
        raise ValueError(f"there is no folder {out.parent} to write into")
    check_writable(out if out.is_dir() else out.parent)


def _write_each(images, folder, scale):
    folder.mkdir(exist_ok=True)
    width = max(4, len(str(len(images))))
    paths = []
    for k, image in enumerate(images, start=1):
        paths.append(folder / f"{k:0{width}}.png")
        write_atomically(paths[-1], _png(_sheet(image[None], scale)))
    return paths


def _sheet(images, scale):
    """Images in one, as square as may be: uint8 [rows, columns, 3]."""
    columns = math.ceil(math.sqrt(len(images)))
    return plots.tiled(plots.as_seen(images), columns, scale)


def _png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def _measured(asked, net, seed):
    """Lines about how good a model is, by images that were not written."""
    from genimg_lib import metrics

    evaluator = metrics.Evaluator(asked.model.data, size=asked.model.size)
    c = None
    if asked.model.told:
        c = asked.model.wishes.conditions(asked.given, JUDGED, seed + 1, asked.text)
    generator = torch.Generator().manual_seed(seed + 1)
    images = asked.model.draw(net, JUDGED, generator, c)
    if asked.given:
        yield from _obedience(evaluator, evaluator.read(images), asked)
        return
    found = evaluator.report(images)
    yield f"by {JUDGED:,} other images, real ones in brackets:"
    for key in ("fd", "precision", "recall"):
        yield f"  {key:<9} {found[key]:8.3f}  ({found[f'{key}_floor']:.3f})"


def _obedience(evaluator, read, asked):
    yield f"of {JUDGED:,} other images show what was asked for (by chance; read from real ones):"
    wishes = asked.model.wishes
    real = load(asked.model.data, "test", size=asked.model.size, n=JUDGED, seed=7)
    seen, known = evaluator.read(real.images), wishes.known(real)
    for name, value in asked.given.items():
        share = (read[name] == value).double().mean().item()
        there = known[name] == value
        right = (seen[name][there] == value).double().mean().item()
        chance, word = wishes.chance(name, value), wishes.word(name, value)
        yield f"  {name} {word}: {share:.1%} ({chance:.1%}; {right:.1%})"
