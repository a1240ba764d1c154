"""Trained networks, loaded with one call: the course's own, and published ones of others."""

import torch
import torch.nn as nn

from genimg_lib import weights
from genimg_lib.automata import Automaton
from genimg_lib.cycle_model import CycleModel
from genimg_lib.data import fetch, photos, to_float
from genimg_lib.errors import DataError, unknown
from genimg_lib.flow import PatchUNet
from genimg_lib.gan import Generator, StyleGenerator
from genimg_lib.latent_model import LatentFlow
from genimg_lib.restore import Denoiser, Inpainter, Upscaler
from genimg_lib.style import AnyStyle, FeatureNet, Features, StyleNet, networks
from genimg_lib.text import CaptionModel, ContrastiveModel
from genimg_lib.text_flow import TextFlow
from genimg_lib.token_model import TokenModel
from genimg_lib.vae import ConvVAE
from genimg_lib.weights import facts

__all__ = [
    "FEATURES",
    "facts",
    "features",
    "features_here",
    "load_any_style",
    "load_automaton",
    "load_captions",
    "load_codes",
    "load_contrastive",
    "load_cycle",
    "load_denoiser",
    "load_drawn_styles",
    "load_flow",
    "load_generator",
    "load_inpainter",
    "load_latent_flow",
    "load_material_features",
    "load_style_generator",
    "load_text_flow",
    "load_upscaler",
    "load_vae",
]

FLOWS = (
    "flow_",
    "conditional_flow_",
    "inpainting_flow_",
    "one_step_",
)  # what their names begin with
GENERATORS = ("gan_portraits", "stable_gan_portraits", "conditional_gan_portraits")
AUTOMATA = ("automaton_texture", "automaton_portrait")
CYCLES = ("glasses_portraits", "prints_portraits")
VAES = ("conv_vae_portraits", "vae_gan_portraits")
FEATURES = ("embedded", "squeezenet1_1", "vgg19")
_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_STAGES = {"vgg19": networks.vgg19_stages, "squeezenet1_1": networks.squeezenet_stages}


def load_flow(name, device="cpu"):
    """A trained flow.PatchUNet, frozen, in eval mode.

    name: of a flow, "flow_portraits", "flow_fashion_mnist" or "conditional_flow_portraits"; of one
        that fills holes, "inpainting_flow_portraits" (for `flow.filling`); or of one made into a
        generator of one call, "one_step_portraits". Their facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = [there for there in weights.names() if there.startswith(FLOWS)]
    if name not in known:
        raise unknown("flow", name, known)
    return _filled(PatchUNet(**facts(name)["network"]), name, device)


def load_latent_flow(name="latent_flow_portraits_64", device="cpu"):
    """A trained LatentFlow, its autoencoder and its scale with it: frozen, in eval mode.

    Its facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = [there for there in weights.names() if there.startswith("latent_flow_")]
    if name not in known:
        raise unknown("latent flow", name, known)
    return _filled(LatentFlow(**facts(name)["network"]), name, device)


def load_generator(name, device="cpu"):
    """A trained gan.Generator, frozen, in eval mode.

    name: "gan_portraits", "stable_gan_portraits" or "conditional_gan_portraits"; the facts of
        each are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = [there for there in weights.names() if there in GENERATORS]
    if name not in known:
        raise unknown("generator", name, known)
    return _filled(Generator(**facts(name)["network"]), name, device)


def load_style_generator(name="style_gan_portraits", device="cpu"):
    """A trained gan.StyleGenerator, frozen, in eval mode.

    Its facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    return _only("style_gan_portraits", name, "style-based generator", StyleGenerator, device)


def load_vae(name, device="cpu"):
    """A trained vae.ConvVAE, frozen, in eval mode.

    name: "conv_vae_portraits" or "vae_gan_portraits"; their facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = [there for there in weights.names() if there in VAES]
    if name not in known:
        raise unknown("VAE", name, known)
    return _filled(ConvVAE(**facts(name)["network"]), name, device)


def load_text_flow(name="text_flow_portraits", device="cpu"):
    """A trained TextFlow, frozen, in eval mode; it draws from sentences.

    Its facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    return _only("text_flow_portraits", name, "flow told sentences", TextFlow, device)


def load_captions(name="captions_portraits", device="cpu"):
    """A trained text.CaptionModel, frozen, in eval mode; arguments, errors as above."""
    return _only("captions_portraits", name, "captioner", CaptionModel, device)


def load_contrastive(name="contrastive_portraits", device="cpu"):
    """A trained text.ContrastiveModel, frozen, in eval mode; arguments, errors as above.

    Its facts hold the "vocabulary" that its tokens are numbers of.
    """
    return _only("contrastive_portraits", name, "contrastive model", ContrastiveModel, device)


def load_automaton(name, device="cpu"):
    """A trained Automaton, frozen, in eval mode.

    name: "automaton_texture" or "automaton_portrait"; their facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    if name not in AUTOMATA:
        raise unknown("automaton", name, AUTOMATA)
    return _filled(Automaton(**facts(name)["network"]), name, device)


def load_codes(name, device="cpu"):
    """A trained TokenModel with both priors, frozen, in eval mode.

    name: "codes_portraits" or "codes_fashion_mnist"; their facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = [there for there in weights.names() if there.startswith("codes_")]
    if name not in known:
        raise unknown("model with codes", name, known)
    return _filled(TokenModel(**facts(name)["network"]), name, device)


def load_denoiser(name="denoiser_grey", device="cpu"):
    """A trained restore.Denoiser, frozen, in eval mode.

    name: "denoiser_grey" or "denoiser_colour"; their facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = [there for there in weights.names() if there.startswith("denoiser_")]
    if name not in known:
        raise unknown("denoiser", name, known)
    return _filled(Denoiser(**facts(name)["network"]), name, device)


def load_inpainter(name="inpainter", device="cpu"):
    """A trained restore.Inpainter, frozen, in eval mode.

    Its facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    if name != "inpainter":
        raise unknown("inpainter", name, ("inpainter",))
    return _filled(Inpainter(**facts(name)["network"]), name, device)


def load_cycle(name="glasses_portraits", device="cpu"):
    """A trained CycleModel between two piles, frozen, in eval mode.

    name: "glasses_portraits" or "prints_portraits"; their facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    if name not in CYCLES:
        raise unknown("CycleGAN", name, CYCLES)
    return _filled(CycleModel(**facts(name)["network"]), name, device)


def load_upscaler(name="upscaler_2", device="cpu"):
    """A trained restore.Upscaler, frozen, in eval mode.

    name: "upscaler_2" or "upscaler_4"; their facts are in data/weights/NAME.json.
    Raises ValueError for another name, DataError where the weights are missing.
    """
    known = [there for there in weights.names() if there.startswith("upscaler_")]
    if name not in known:
        raise unknown("upscaler", name, known)
    return _filled(Upscaler(**facts(name)["network"]), name, device)


def load_material_features(device="cpu"):
    """The feature network of notebook 16, trained to tell materials apart: a FeatureNet.

    Frozen, in eval mode; data/weights/features.json says how it was trained.
    """
    return _filled(FeatureNet(), "features", device)


def load_drawn_styles(device="cpu"):
    """The network of notebook 42 for the styles of data.styles.DRAWN, in their order.

    A StyleNet, frozen, in eval mode; data/weights/drawn_styles.json says how it was trained. It
    lies in memory with channels last, which is the faster on CPUs; pictures may, too.
    """
    net = StyleNet(**facts("drawn_styles")["network"])
    return _placed(_filled(net, "drawn_styles"), device)


def load_any_style(device="cpu"):
    """The network of notebook 42 for any style: an AnyStyle, frozen, in eval mode.

    data/weights/any_style.json says how it was trained.
    """
    net = AnyStyle(features(device=device), **facts("any_style")["network"])
    return _placed(_filled(net, "any_style"), device)


def features(name="embedded", device="cpu", path=None):
    """A network to take feature maps from, by its name: a `Features`, frozen, in eval mode.

    name: "embedded" comes with the course (data/weights/embedded.json), a `FeatureNet` that was
        taught by the two others. "squeezenet1_1" (Iandola et al. 2016, arXiv:1602.07360) and
        "vgg19" (Simonyan and Zisserman 2014, arXiv:1409.1556) have torchvision's weights: looked
        for in the folder weights/ below the one that GENIMG_DATA names, in the cache, then
        downloaded (5 and 575 MB). "random": a `FeatureNet` that learned nothing.
    path: a file of your own, safetensors or PyTorch, with torchvision's keys; it may hold the
        first layers only, then the last maps are missing.
    Raises ValueError for another name, DataError for weights that cannot be had or have wrong
    keys or shapes.
    """
    photographs = to_float(photos.load(64))
    if name in ("embedded", "random"):
        if path is not None:
            raise ValueError(f"path is for published weights; {name!r} has its own")
        net = FeatureNet() if name == "random" else _filled(FeatureNet(), "embedded")
        if name == "random":
            _initialise(net)
        halved = [nn.Sequential(nn.AvgPool2d(2), stage) for stage in net.stages[1:]]
        return _placed(Features([net.stages[0], *halved], photographs), device)
    if name not in FEATURES:
        raise unknown("network", name, (*FEATURES, "random"))
    path = _published(name) if path is None else path
    stages = _fill(_STAGES[name](), weights.open_file(path), path)
    return _placed(Features(stages, photographs, **_IMAGENET), device)


def _placed(net, device):
    """A network on a device, in memory with channels last: the faster order for convolutions."""
    return net.to(torch.device(device), memory_format=torch.channels_last)


def features_here(name):
    """True if `features(name)` needs no download. Raises ValueError for an unknown name."""
    if name not in (*FEATURES, "random"):
        raise unknown("network", name, (*FEATURES, "random"))
    return name in ("embedded", "random") or fetch.here(name) or bool(_own_files(name))


def _only(known, name, kind, make, device):
    """The one network of its kind that ships, of the class `make`."""
    if name != known:
        raise unknown(kind, name, (known,))
    return _filled(make(**facts(name)["network"]), name, device)


def _filled(net, name, device="cpu"):
    """The network with the course's weights NAME, frozen, in eval mode.

    Raises DataError where they are missing or of another version.
    """
    try:
        net.load_state_dict(weights.read(name))
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise DataError(
            f"the weights {name} do not fit this version of the course ({first}); "
            f"make them again: genimg make {name}"
        ) from None
    return net.eval().requires_grad_(False).to(torch.device(device))


def _initialise(net):
    """He's initialisation, from seed 3."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)


def _own_files(name):
    """Files of weights under this name beside the published one, whole or in part."""
    published = fetch.registry()[name]["files"]
    found = [p for folder in fetch.folders("weights") for p in sorted(folder.glob(f"{name}*"))]
    other = f"{name}_bn"  # a network with batch norm is another one
    kinds = (".safetensors", ".pth", ".pt")
    sound = [p for p in found if p.suffix in kinds and not p.name.startswith(other)]
    return [p for p in sound if p.name not in published]


def _published(name):
    """Where the weights lie: the published file, else one of this name, else it is fetched."""
    if not fetch.here(name) and (own := _own_files(name)):
        return own[0]
    (path,) = fetch.fetch(name).values()
    return path


def _fill(layers, given, path):
    """The stages whose weights are all there, filled with them.

    layers: a list of stages, each a dict {torchvision's key: module}.
    given: {key: tensor}.
    """
    stages = []
    for k, stage in enumerate(layers):
        wanted = {
            f"features.{key}.{kind}": value
            for key, module in stage.items()
            for kind, value in module.state_dict().items()
        }
        missing = [key for key in wanted if key not in given]
        if missing and k and len(missing) == len(wanted):
            break  # a file with the first layers only
        _check(wanted, given, path)
        for key, module in stage.items():
            head = f"features.{key}."
            own = {full: given[full].float() for full in wanted if full.startswith(head)}
            module.load_state_dict({full.removeprefix(head): v for full, v in own.items()})
        stages.append(nn.Sequential(*stage.values()))
    return stages


def _check(wanted, given, path):
    for key, value in wanted.items():
        if key not in given:
            has = ", ".join(sorted(given)[:3])
            raise DataError(f"{path} lacks {key} (has {has} ...); expected torchvision's keys")
        got, expected = list(given[key].shape), list(value.shape)
        if got != expected:
            raise DataError(f"{path}: expected {key} of shape {expected}, got {got}")
        if not given[key].isfinite().all():
            raise DataError(f"{path}: {key} holds values that are not finite")
