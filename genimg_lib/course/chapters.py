"""The map of the course: every notebook, what it needs, and where its files are.

A notebook stands once its file exists.
"""

from typing import NamedTuple

from genimg_lib import files
from genimg_lib.errors import unknown

PARTS = ("Start", "The maths", "The models", "At work", "Judgement")


class Chapter(NamedTuple):
    name: str  # of the files: notebooks/NAME.py and .ipynb
    title: str
    part: str
    needs: tuple[str, ...] = ()  # numbers of the chapters it builds on
    promise: str = ""  # what the reader gets, in a line


CHAPTERS = (
    Chapter(
        "00_start_here",
        "Start here",
        "Start",
        promise="Noise turns into faces within a minute, on this machine",
    ),
    Chapter(
        "11_images_as_tensors",
        "Images as tensors",
        "The maths",
        promise="An image as one point in a space of thousands of dimensions",
    ),
    Chapter(
        "12_convolution",
        "Convolution",
        "The maths",
        ("11",),
        promise="One operation, five ways, and how to turn it around",
    ),
    Chapter(
        "13_distances",
        "Distances between distributions",
        "The maths",
        ("11",),
        promise="Six ways to say how far two distributions are apart",
    ),
    Chapter(
        "14_gan_minimax",
        "The GAN minimax",
        "The maths",
        ("13",),
        promise="The game of two networks, solved on paper and watched",
    ),
    Chapter(
        "15_elbo",
        "The ELBO and the reparameterisation trick",
        "The maths",
        ("13",),
        promise="A bound on a probability that nobody can compute",
    ),
    Chapter(
        "16_gram_matrices",
        "Gram matrices",
        "The maths",
        ("12", "13"),
        promise="Keep which patterns occur together, forget where",
    ),
    Chapter(
        "17_scores_and_flows",
        "Scores and flows",
        "The maths",
        ("13",),
        promise="Which way to the data: denoisers, scores, velocities",
    ),
    Chapter(
        "21_gan",
        "The first GAN",
        "The models",
        ("14",),
        promise="Two small networks play until faces appear",
    ),
    Chapter(
        "22_dcgan",
        "DCGAN",
        "The models",
        ("12", "21"),
        promise="A convolutional generator, and what each of its rules is for",
    ),
    Chapter(
        "23_stable_gan",
        "A GAN that trains",
        "The models",
        ("22",),
        promise="What keeps the game in balance, and who is never drawn",
    ),
    Chapter(
        "24_conditional_gan",
        "Conditional GAN",
        "The models",
        ("23",),
        promise="Ask for hair, glasses and a smile, and count what comes",
    ),
    Chapter(
        "25_style_based_gan",
        "A style-based generator",
        "The models",
        ("23", "24"),
        promise="Styles layer by layer, mixed and truncated",
    ),
    Chapter(
        "31_vae",
        "The variational autoencoder",
        "The models",
        ("11",),
        promise="32 numbers become a face, and you learn which does what",
    ),
    Chapter(
        "32_conv_vae",
        "A convolutional VAE",
        "The models",
        ("12", "31"),
        promise="Encoders by convolution, conditions, rate and distortion",
    ),
    Chapter(
        "33_vq_vae",
        "VQ-VAE",
        "The models",
        ("32",),
        promise="Images as tokens, and a prior that writes them",
    ),
    Chapter(
        "34_vae_gan",
        "VAE-GAN",
        "The models",
        ("23", "32"),
        promise="A discriminator sharpens a decoder, and the price is counted",
    ),
    Chapter(
        "41_neural_style",
        "Neural style",
        "The models",
        ("16",),
        promise="Paint a photograph by changing its pixels",
    ),
    Chapter(
        "42_fast_style",
        "Fast style",
        "The models",
        ("41",),
        promise="Paint in one pass, towards any style, and keep films steady",
    ),
    Chapter(
        "51_diffusion",
        "Diffusion",
        "The models",
        ("17",),
        promise="Many small steps from noise to image",
    ),
    Chapter(
        "52_flow_matching",
        "Flow matching",
        "The models",
        ("17",),
        promise="Straight paths from noise to image, and one step",
    ),
    Chapter(
        "53_guidance",
        "Guidance",
        "The models",
        ("51", "52"),
        promise="Steer a sampler towards what you ask for",
    ),
    Chapter(
        "54_latent_diffusion",
        "Latent diffusion",
        "The models",
        ("32", "51"),
        promise="Diffusion in the space of an autoencoder",
    ),
    Chapter(
        "61_super_resolution",
        "Super-resolution",
        "At work",
        ("12",),
        promise="Which faces share this thumbnail",
    ),
    Chapter(
        "62_inpainting",
        "Inpainting",
        "At work",
        ("51",),
        promise="Paint the hole, in more than one way",
    ),
    Chapter(
        "63_denoising",
        "Denoising",
        "At work",
        ("12", "17", "31"),
        promise="What noise hides, and what can be known again",
    ),
    Chapter(
        "64_image_to_image",
        "Image to image",
        "At work",
        ("24",),
        promise="From sketch to face, with pairs and without",
    ),
    Chapter(
        "65_text_to_image",
        "Text to image",
        "At work",
        ("53", "54"),
        promise="From a sentence to a picture, counted word by word",
    ),
    Chapter(
        "66_captioning", "Captioning", "At work", ("65",), promise="From a picture to a sentence"
    ),
    Chapter(
        "67_textures_and_worlds",
        "Textures and worlds",
        "At work",
        ("16",),
        promise="Materials, scenes and characters without end",
    ),
    Chapter(
        "71_measuring",
        "Measuring",
        "Judgement",
        ("13",),
        promise="What each number can and cannot tell you",
    ),
    Chapter(
        "72_choosing_a_model",
        "Choosing a model",
        "Judgement",
        ("71",),
        promise="Eight families on one data set, at equal minutes",
    ),
    Chapter(
        "73_broken_on_purpose",
        "Broken on purpose",
        "Judgement",
        ("71",),
        promise="Bugs whose curves look healthy",
    ),
    Chapter(
        "74_trust", "Trust", "Judgement", ("71",), promise="Copies, watermarks, bias and consent"
    ),
    Chapter(
        "75_scaling_up",
        "Scaling up",
        "Judgement",
        ("52",),
        promise="From one laptop to one GPU and further",
    ),
)


def checkout():
    """The checkout. Raises FileNotFoundError where genimg was installed as a package."""
    root = files.checkout()
    if root is None:
        raise FileNotFoundError(
            "this needs a clone of the course: genimg was installed as a package here"
        )
    return root


def notebooks_folder():
    """The folder of the notebooks: in the checkout, or inside the installed package."""
    root = files.checkout()
    return root / "notebooks" if root else files.shipped().parent / "course_notebooks"


def standing():
    """The notebooks that stand, in order: those of the map, then any others NN_name."""
    return sorted(p.stem for p in notebooks_folder().glob("[0-9][0-9]_*.py"))


def choose(numbers):
    """The standing notebooks of these numbers (or names), all of them if none is given.

    Raises ValueError for one that does not stand.
    """
    there = standing()
    chosen = []
    for number in numbers:
        wanted = str(number).zfill(2)
        found = [name for name in there if name == number or name.split("_")[0] == wanted]
        if not found:
            raise unknown("notebook", number, there)
        chosen += found
    return chosen or there
