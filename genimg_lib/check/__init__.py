"""Checks of the exercises, which say what went wrong: `check.kl(my_kl)`. Each is a `judge.Check`; `CATALOGUE` holds them all, with the mistakes they know."""

from genimg_lib.check.autoencoders import bits_per_dim, build_encoder, interpolate, sample, vae_loss
from genimg_lib.check.convolution import (
    conv_transpose,
    convolve,
    output_size,
    receptive_field,
    same_padding,
    upsample,
)
from genimg_lib.check.distances import (
    entropy_gaussian,
    frechet_1d,
    kl,
    kl_gaussians,
    sliced_wasserstein,
    wasserstein_1d,
)
from genimg_lib.check.elbo import elbo, gaussian_kl, hidden_sigma, iwae_bound, reparameterize
from genimg_lib.check.gan import (
    attribute_direction,
    combinations_covered,
    conditional_batch_norm,
    copied_share,
    d_step_loss,
    generator_stack,
    gradient_penalty,
    half_life,
    hinge_losses,
    image_with_label,
    influence,
    init_dcgan,
    latent_with_label,
    lowest_with_sigmoid,
    moving_average,
    nearest_neighbours,
    obedience,
    obedience_by_chance,
    power_iteration,
    projection_logit,
    r1_penalty,
    relativistic_d_loss,
    set_coordinate,
    slerp,
    stack_size,
    step_labels,
    steps_in_epoch,
    the_c,
    to_tanh_range,
)
from genimg_lib.check.gram_matrices import (
    adain,
    constant_gram,
    covariance_from_gram,
    gram,
    style_loss,
)
from genimg_lib.check.images import image_bytes, luma, psnr, same_histograms, to_uint8
from genimg_lib.check.judge import CATALOGUE, Wrong
from genimg_lib.check.minimax import (
    d_loss,
    extragradient_step,
    g_loss,
    losses_at_zero,
    optimal_discriminator,
)
from genimg_lib.check.style import (
    blend_share,
    content_gradient,
    flicker,
    instance_norm,
    keep_color,
    margins,
    masked_gram,
    total_variation,
    whiten,
)

__all__ = [
    "CATALOGUE", "Wrong", "adain", "attribute_direction", "bits_per_dim", "blend_share", "build_encoder", "combinations_covered",
    "conditional_batch_norm", "constant_gram", "content_gradient", "conv_transpose", "convolve", "copied_share", "covariance_from_gram", "d_loss",
    "d_step_loss", "elbo", "entropy_gaussian", "extragradient_step", "flicker", "frechet_1d", "g_loss", "gaussian_kl", "generator_stack",
    "gradient_penalty", "gram", "half_life", "hidden_sigma", "hinge_losses", "image_bytes", "image_with_label", "influence", "init_dcgan",
    "instance_norm", "interpolate", "iwae_bound", "keep_color", "kl", "kl_gaussians", "latent_with_label", "losses_at_zero",
    "lowest_with_sigmoid", "luma", "margins", "masked_gram", "moving_average", "nearest_neighbours", "obedience", "obedience_by_chance",
    "optimal_discriminator", "output_size", "power_iteration", "projection_logit", "psnr", "r1_penalty", "receptive_field", "relativistic_d_loss",
    "reparameterize", "same_histograms", "same_padding", "sample", "set_coordinate", "slerp", "sliced_wasserstein", "stack_size", "step_labels",
    "steps_in_epoch", "style_loss", "the_c", "to_tanh_range", "to_uint8", "total_variation", "upsample", "vae_loss", "wasserstein_1d", "whiten",
]  # fmt: skip
