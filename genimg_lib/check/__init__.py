"""Checks of the exercises, which say what went wrong. One module a notebook, named like it:

    from genimg_lib.check import dcgan as check

    check.half_life(half_life)

Two notebooks may each have a check of the same name. A new check stands in its notebook's module,
nowhere else.
"""

from genimg_lib.check.wrong import Wrong

MODULES = (
    "images_as_tensors",
    "convolution",
    "distances",
    "gan_minimax",
    "elbo",
    "gram_matrices",
    "scores_and_flows",
    "gan",
    "dcgan",
    "stable_gan",
    "conditional_gan",
    "style_based_gan",
    "vae",
    "conv_vae",
    "vq_vae",
    "vae_gan",
    "neural_style",
    "fast_style",
    "diffusion",
    "flow_matching",
    "guidance",
    "latent_diffusion",
    "super_resolution",
    "inpainting",
    "denoising",
    "image_to_image",
    "text_to_image",
    "captioning",
    "textures_and_worlds",
)

__all__ = ["MODULES", "Wrong"]
