"""Whole trainings: those of the benchmarks, and of all weights that come with the course.

A new file of weights is a line of RECIPES and the function that it names. That function is
called as train(run, minutes, **options) and gives a `Trained`; `make` stores what it gives.
"""

import importlib
import inspect
from collections.abc import Callable
from typing import NamedTuple

from genimg_lib import layers, weights
from genimg_lib.errors import unknown
from genimg_lib.training import describe, start


class Trained(NamedTuple):
    """What a recipe gives.

    net: the network to store.
    facts: how it was trained: data, batch, what it is made with.
    measure: called with the network as it is stored, gives its figures.
    extra: tensors to store beside its weights, or None: called with the network as well.
    """

    net: object
    facts: dict
    measure: Callable
    extra: Callable | None = None


def unmeasured(_):
    """No figures: what `Trained.measure` is where no evaluator knows the images."""
    return {}


class Recipe(NamedTuple):
    """Where the weights of a name come from.

    module, function: in genimg_lib.recipes. minutes: of the training. options: for the function.
    about: one line for people.
    """

    module: str
    function: str
    minutes: float
    about: str
    options: dict = {}  # noqa: RUF012 (a NamedTuple's default is never changed)


RECIPES = {
    "evaluator_portraits": Recipe(
        "evaluator", "train", 8.0, "the judge of portraits", {"name": "portraits"}
    ),
    "evaluator_portraits_64": Recipe(
        "evaluator",
        "train",
        6.0,
        "the judge of portraits of 64 pixels",
        {"name": "portraits", "size": 64},
    ),
    "evaluator_fashion_mnist": Recipe(
        "evaluator", "train", 4.7, "the judge of Fashion-MNIST", {"name": "fashion_mnist"}
    ),
    "features": Recipe("materials", "train", 8.0, "notebook 16's network, taught on materials"),
    "embedded": Recipe("embedded", "train", 9.0, "notebook 41's network, taught by two large ones"),
    "gan_portraits": Recipe(
        "portraits", "train", 6.0, "notebook 22's game, for longer", {"kind": "hinge"}
    ),
    "stable_gan_portraits": Recipe(
        "portraits", "train", 5.0, "notebook 23's game, for longer", {"kind": "relativistic"}
    ),
    "conditional_gan_portraits": Recipe(
        "portraits",
        "train",
        22.0,
        "notebook 24's game, for longer",
        {"kind": "hinge", "conditional": True, "images": 60_000, "width": 32, "auxiliary": 1.5},
    ),
    "style_gan_portraits": Recipe(
        "style_gan",
        "train",
        30.0,
        "notebook 25's style-based game, for longer",
        {"images": 60_000, "width": 32, "batch": 64, "noise": False},
    ),
    "conv_vae_portraits": Recipe(
        "vae", "train", 10.0, "notebook 32's VAE with a prior that moves, for longer"
    ),
    "vae_gan_portraits": Recipe(
        "vae",
        "train",
        10.0,
        "notebook 34's VAE, its decoder finished with a discriminator",
        {"adversary": 0.01, "fine": 16, "lr": 4e-3},
    ),
    "codes_portraits": Recipe(
        "codes", "train", 16.0, "notebook 33's codes of portraits and both priors"
    ),
    "codes_fashion_mnist": Recipe(  # 2.5 + 1.5 minutes, and 6 for each of two priors
        "codes",
        "train",
        16.0,
        "notebook 33's codes of clothes and both priors",
        {"name": "fashion_mnist", "share": 2.5 / 16, "finish": 1.5 / 16},
    ),
    "flow_portraits": Recipe(
        "flow", "train", 10.0, "notebook 00's flow, for longer", {"name": "portraits"}
    ),
    "flow_fashion_mnist": Recipe(
        "flow", "train", 10.0, "a flow of clothes, told groups of look-alikes", {"groups": 20}
    ),
    "conditional_flow_portraits": Recipe(
        "flow",
        "train",
        10.0,
        "notebook 53's flow, told all factors or nothing",
        {"name": "portraits", "conditional": True},
    ),
    "one_step_portraits": Recipe(
        "one_step", "train", 10.0, "notebook 52's generator of one call, for longer"
    ),
    "latent_flow_portraits_64": Recipe(
        "latent_flow", "train", 24.0, "notebook 54's flow of latents, told all factors, for longer"
    ),
    "text_flow_portraits": Recipe(
        "text_flow", "train", 24.0, "notebook 65's flow that is told sentences, for longer"
    ),
    "captions_portraits": Recipe("captions", "train", 10.0, "notebook 66's captioner, for longer"),
    "contrastive_portraits": Recipe(
        "captions", "train_contrastive", 4.0, "notebook 66's images and sentences in one space"
    ),
    "denoiser_grey": Recipe("denoise", "train", 16.0, "notebook 63's denoiser, for longer"),
    "denoiser_colour": Recipe(
        "denoise", "train", 16.0, "notebook 63's denoiser, in colour", {"channels": 3}
    ),
    "upscaler_2": Recipe(
        "upscale", "train", 16.0, "notebook 61's network that doubles photographs, for longer"
    ),
    "upscaler_4": Recipe(
        "upscale",
        "train",
        16.0,
        "the same for four times as large, with a little noise on what it is given",
        {
            "scale": 4,
            "noise": 3.0,
            "left_out": ("hubble_deep_field", "immunohistochemistry", "retina"),
        },
    ),
    "inpainter": Recipe(
        "inpaint", "train", 10.0, "notebook 62's network that fills holes in photographs"
    ),
    "inpainting_flow_portraits": Recipe(
        "inpaint", "train_flow", 18.0, "flow_portraits, taught to fill holes"
    ),
    "glasses_portraits": Recipe(
        "cycle", "train", 14.0, "notebook 64's CycleGAN, glasses on and off, for longer"
    ),
    "prints_portraits": Recipe(
        "cycle",
        "train",
        8.0,
        "notebook 64's CycleGAN between faces and prints",
        {"piles": "prints", "hidden": 32},
    ),
    "automaton_texture": Recipe(
        "automata", "train_texture", 4.0, "notebook 67's rule that makes a material"
    ),
    "automaton_portrait": Recipe(
        "automata", "train_portrait", 5.0, "notebook 67's rule that grows a portrait"
    ),
    "drawn_styles": Recipe("style", "train_drawn", 69.0, "notebook 42's network, five styles"),
    "any_style": Recipe("style", "train_any", 14.0, "notebook 42's network for any style"),
}


def make(name, minutes=None, out=None, seed=0, **options):
    """Train weights and store them with their facts; returns the two paths.

    name: of RECIPES.
    minutes: of training, the recipe's own if not given.
    out: a folder, data/weights if none is given.
    options: of the recipe's function.
    A training that is interrupted goes on when it is started again.
    Raises ValueError for an unknown name or option, before anything is trained.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    recipe = RECIPES[name]
    minutes = recipe.minutes if minutes is None else minutes
    if not minutes > 0:
        raise ValueError(f"expected minutes above 0, got {minutes}")
    options = recipe.options | options
    train = getattr(importlib.import_module(f"genimg_lib.recipes.{recipe.module}"), recipe.function)
    try:
        inspect.signature(train).bind(None, minutes, **options)
    except TypeError as error:
        raise ValueError(f"the recipe {name} cannot be called so: {error}") from None
    run = start(f"make_{name}", seed=seed, precision="auto", minutes=minutes, options=options)
    trained = train(run, minutes, **options)
    stored = weights.halved(trained.net)
    net = weights.as_stored(trained.net)
    steps = {"steps": run.history["step"][-1] + 1}  # a recipe of several trainings says its own
    known = (
        steps
        | trained.facts
        | {
            "minutes": round(sum(run.minutes_trained.values()), 2),
            "device": describe(run.device),
            "seed": seed,
            "parameters": layers.count_parameters(net),
        }
    )
    net.eval()
    known |= {key: _rounded(value) for key, value in trained.measure(net).items()}
    if trained.extra is not None:
        stored |= trained.extra(net)
    return weights.store(name, stored, known, out)


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value
