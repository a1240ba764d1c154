"""Variational autoencoders: bounds, likelihoods, networks, information, codes."""

from genimg_lib.vae.bounds import (
    elbo,
    free_bits,
    gaussian_kl,
    gaussian_log_prob,
    importance_log_likelihood,
    iwae_bound,
    kl_per_unit,
    reparameterize,
    warm_up,
)
from genimg_lib.vae.convolutional import ConvBody, ConvDecoder, ConvEncoder, ConvVAE
from genimg_lib.vae.grids import CodeAutoencoder, GridDecoder, GridEncoder, GridVAE
from genimg_lib.vae.information import active_units, rate_parts
from genimg_lib.vae.likelihoods import (
    Bernoulli,
    DiscretizedLogistic,
    Gaussian,
    bits_per_dimension,
    dequantize,
)
from genimg_lib.vae.networks import (
    BernoulliDecoder,
    ConditionalPrior,
    Encoder,
    GaussianDecoder,
    mlp,
)

__all__ = [
    "Bernoulli",
    "BernoulliDecoder",
    "CodeAutoencoder",
    "ConditionalPrior",
    "ConvBody",
    "ConvDecoder",
    "ConvEncoder",
    "ConvVAE",
    "DiscretizedLogistic",
    "Encoder",
    "Gaussian",
    "GaussianDecoder",
    "GridDecoder",
    "GridEncoder",
    "GridVAE",
    "active_units",
    "bits_per_dimension",
    "dequantize",
    "elbo",
    "free_bits",
    "gaussian_kl",
    "gaussian_log_prob",
    "importance_log_likelihood",
    "iwae_bound",
    "kl_per_unit",
    "mlp",
    "rate_parts",
    "reparameterize",
    "warm_up",
]
