"""Answers of a first round to notebooks 11 to 16, written before any of them was tried."""

import math

import numpy as np
import torch
import torch.distributions as dist
import torch.nn.functional as F
from answer_table import right, wrong
from scipy import stats

# ---------------------------------------------------------------- 11, images as tensors


@right("images_as_tensors.image_bytes")
def _(height, width, channels, bits):
    return math.prod((height, width, channels)) * bits / 8


@right("images_as_tensors.image_bytes")
def _(h, w, c, bits):
    return np.int64(h) * w * c * bits // 8


@wrong("images_as_tensors.image_bytes", "channels")
def _(height, width, channels, bits):
    return height * width * bits // 8


@wrong("images_as_tensors.image_bytes", "height|width")
def _(height, width, channels, bits):
    return height * height * channels * bits // 8


@wrong("images_as_tensors.image_bytes", "8|byte")
def _(height, width, channels, bits):
    return height * width * channels * bits // 10


@right("images_as_tensors.to_uint8")
def _(x):
    scaled = (x + 1) / 2 * 255
    return torch.clamp(torch.round(scaled), 0, 255).type(torch.uint8)


@right("images_as_tensors.to_uint8")
def _(x):
    return np.clip(np.rint((x.numpy() + 1) * 127.5), 0, 255).astype(np.uint8)


@right("images_as_tensors.to_uint8")
def _(x):
    return (x.clip(-1, 1) * 127.5 + 128).floor().to(torch.uint8)


@wrong("images_as_tensors.to_uint8", "bytes|wrapped|clip")
def _(x):
    return ((x + 1) * 127.5).round().to(torch.uint8)


@wrong("images_as_tensors.to_uint8", "kind|uint8|bytes")
def _(x):
    return ((x.clamp(-1, 1) + 1) * 127.5).round().int()


@wrong("images_as_tensors.to_uint8", r"256|128|127\.5")
def _(x):
    return ((x.clamp(-1, 1) + 1) * 128).clamp(max=255).round().to(torch.uint8)


@wrong("images_as_tensors.to_uint8", r"0, 1|mid-grey|shift|below 0")
def _(x):
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)


@right("images_as_tensors.luma")
def _(images):
    r, g, b = images.float().unbind(1)
    return (0.299 * r + 0.587 * g + 0.114 * b).round().byte().unsqueeze(1)


@right("images_as_tensors.luma")
def _(images):
    weights = np.array([0.299, 0.587, 0.114])
    grey = np.einsum("nchw,c->nhw", images.numpy().astype(float), weights)
    return np.round(grey)[:, None].astype("uint8")


@right("images_as_tensors.luma")
def _(images):
    kernel = torch.tensor([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
    return F.conv2d(images.float(), kernel).round().to(torch.uint8)


@wrong("images_as_tensors.luma", "mean of red|0.299")
def _(images):
    return images.float().mean(1, keepdim=True).round().to(torch.uint8)


@wrong("images_as_tensors.luma", "channel axis|axis too few|keep")
def _(images):
    w = torch.tensor([0.299, 0.587, 0.114])
    return torch.einsum("nchw,c->nhw", images.float(), w).round().to(torch.uint8)


@wrong("images_as_tensors.luma", "cut off|rounded|Round")
def _(images):
    r, g, b = images[:, 0:1], images[:, 1:2], images[:, 2:3]
    return (0.299 * r + 0.587 * g + 0.114 * b).to(torch.uint8)


@wrong("images_as_tensors.luma", r"size|axes of length 1|match")
def _(images):
    w = torch.tensor([0.299, 0.587, 0.114])
    return (images.float() * w).sum(1, keepdim=True).round().to(torch.uint8)


@right("images_as_tensors.psnr")
def _(x, y):
    return torch.stack([10 * torch.log10(4 / F.mse_loss(a, b)) for a, b in zip(x, y, strict=True)])


@right("images_as_tensors.psnr")
def _(x, y):
    rmse = ((x - y) ** 2).mean(dim=(1, 2, 3)).sqrt()
    return 20 * torch.log10(2 / rmse)


@right("images_as_tensors.psnr")
def _(x, y):
    mse = ((x.numpy() - y.numpy()) ** 2).reshape(len(x), -1).mean(1)
    return 10 * np.log10(2.0**2 / mse)


@wrong("images_as_tensors.psnr", "whole batch|one for each image")
def _(x, y):
    return 10 * torch.log10(4 / F.mse_loss(x, y))


@wrong("images_as_tensors.psnr", "each image|whole batch|shape|axis")
def _(x, y):
    mse = ((x - y) ** 2).mean(dim=(2, 3))
    return 10 * torch.log10(4 / mse)


@wrong("images_as_tensors.psnr", "natural|log10|log 10")
def _(x, y):
    mse = ((x - y) ** 2).flatten(1).mean(1)
    return 20 * torch.log(2 / mse.sqrt())


@right("images_as_tensors.same_histograms")
def _(image):
    order = torch.randperm(image[0].numel())
    return image.flatten(1)[:, order].view(image.shape)


@right("images_as_tensors.same_histograms")
def _(image):
    return torch.roll(image, shifts=(2, 3), dims=(1, 2))


@wrong("images_as_tensors.same_histograms", "channel")
def _(image):
    return image[[2, 1, 0]]


@wrong("images_as_tensors.same_histograms", r"expected an image like the given one, \[3, 6, 7\]")
def _(image):
    return image.transpose(1, 2)


@wrong("images_as_tensors.same_histograms", "hardly a pixel")
def _(image):
    out = image.clone()
    out[:, 0, 0], out[:, -1, -1] = image[:, -1, -1], image[:, 0, 0]
    return out


# ---------------------------------------------------------------- 12, convolution


@right("convolution.same_padding")
def _(h, d):
    return ((h - 1) * d + 1) // 2


@wrong("convolution.same_padding", "dilation|d is")
def _(h, d):
    return h // 2


@wrong("convolution.same_padding", "both sides|twice")
def _(h, d):
    return (h - 1) * d


@right("convolution.convolve")
def _(x, k):
    (H, W), (h, w) = x.shape, k.shape
    out = torch.zeros(H - h + 1, W - w + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for a in range(h):
                for b in range(w):
                    out[i, j] += x[i + h - 1 - a, j + w - 1 - b] * k[a, b]
    return out


@right("convolution.convolve")
def _(x, k):
    from scipy.signal import convolve2d

    return convolve2d(x.numpy(), k.numpy(), mode="valid")


@right("convolution.convolve")
def _(x, k):
    return (
        F.conv2d(x.view(1, 1, *x.shape), torch.rot90(k, 2).view(1, 1, *k.shape))
        .squeeze(0)
        .squeeze(0)
    )


@wrong("convolution.convolve", "cross-correlation|180")
def _(x, k):
    windows = x.unfold(0, k.shape[0], 1).unfold(1, k.shape[1], 1)
    return (windows * k).sum((2, 3))


@wrong("convolution.convolve", "axes|axis too many|squeeze|two axes|0, 0")
def _(x, k):
    return F.conv2d(x[None, None], k.flip(0, 1)[None, None])


@wrong("convolution.convolve", "shape|axes|dimension")
def _(x, k):
    return F.conv2d(x, k.flip(0, 1))


@right("convolution.receptive_field")
def _(stack):
    field = 1
    for k in range(len(stack)):
        h, _, d = stack[k]
        field += (h - 1) * d * math.prod(s for _, s, _ in stack[:k])
    return field


@right("convolution.receptive_field")
def _(stack):
    size = 1
    for h, s, d in reversed(stack):
        size = (size - 1) * s + d * (h - 1) + 1
    return size


@wrong("convolution.receptive_field", "stride|jump")
def _(stack):
    r, jump = 1, 1
    for h, s, d in stack:
        jump = jump * s
        r = r + d * (h - 1) * jump
    return r


@wrong("convolution.receptive_field", r"begin|minus 1|pixel")
def _(stack):
    r, j = 0, 1
    for h, s, d in stack:
        r += d * (h - 1) * j
        j *= s
    return r


@wrong("convolution.receptive_field", "dilation|place 2")
def _(stack):
    r, j = 1, 1
    for h, s, _ in stack:
        r += (h - 1) * j
        j *= s
    return r


@right("convolution.conv_transpose")
def _(y, k, s, p):
    (H, W), (h, w) = y.shape, k.shape
    spread = torch.zeros((H - 1) * s + 1, (W - 1) * s + 1)
    spread[::s, ::s] = y
    padded = F.pad(spread, (w - 1, w - 1, h - 1, h - 1))
    out = F.conv2d(padded[None, None], k.flip(0, 1)[None, None])[0, 0]
    return out[p : len(out) - p, p : out.shape[1] - p]


@wrong("convolution.conv_transpose", r"overwrite|add up|\+=")
def _(y, k, s, p):
    H, W = y.shape
    h, w = k.shape
    out = torch.zeros(s * (H - 1) + h, s * (W - 1) + w)
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] = y[i, j] * k
    return out[p : out.shape[0] - p, p : out.shape[1] - p]


@wrong("convolution.conv_transpose", r"p is 0|empty|\[p:-p\]")
def _(y, k, s, p):
    H, W = y.shape
    h, w = k.shape
    out = torch.zeros(s * (H - 1) + h, s * (W - 1) + w)
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] += y[i, j] * k
    return out[p:-p, p:-p]


@wrong("convolution.conv_transpose", r"shape|square|size")
def _(y, k, s, p):
    H, W = y.shape
    h, w = k.shape
    out = torch.zeros(s * (H - 1) + h, s * (H - 1) + h)
    for i in range(H):
        for j in range(W):
            out[i * s : i * s + h, j * s : j * s + w] += y[i, j] * k
    return out[p : out.shape[0] - p, p : out.shape[1] - p]


@wrong("convolution.upsample", "ramp")
def _(x):
    return F.interpolate(x[None, None], scale_factor=2)[0, 0]


@wrong("convolution.upsample", "ramp")
def _(x):
    return F.interpolate(x[None, None], size=(16, 16), mode="bilinear", align_corners=True)[0, 0]


@right("convolution.upsample")
def _(x):
    out = torch.zeros(18, 18)
    x = torch.cat([x[:1], x, x[-1:]])
    x = torch.cat([x[:, :1], x, x[:, -1:]], dim=1)
    rows = torch.zeros(16, 10)
    for i in range(8):
        rows[2 * i] = 0.25 * x[i] + 0.75 * x[i + 1]
        rows[2 * i + 1] = 0.75 * x[i + 1] + 0.25 * x[i + 2]
    out = torch.zeros(16, 16)
    for j in range(8):
        out[:, 2 * j] = 0.25 * rows[:, j] + 0.75 * rows[:, j + 1]
        out[:, 2 * j + 1] = 0.75 * rows[:, j + 1] + 0.25 * rows[:, j + 2]
    return out


# ---------------------------------------------------------------- 13, distances


@right("distances.kl")
def _(p, q):
    terms = torch.where(p > 0, p * (p.clamp(min=1e-30).log() - q.log()), torch.zeros_like(p))
    return terms.sum(-1)


@right("distances.kl")
def _(p, q):
    return F.kl_div(q.log(), p, reduction="none").sum(-1)


@wrong("distances.kl", "q, p|exchanged")
def _(p, q):
    return F.kl_div(p.log(), q, reduction="none").sum(-1)


@wrong("distances.kl", r"0 log 0|not a number|NaN|partly 0")
def _(p, q):
    return torch.sum(p * torch.log(p / q), dim=-1)


@wrong("distances.kl", "everything|last axis|each row")
def _(p, q):
    return F.kl_div(q.log(), p, reduction="sum")


@wrong("distances.kl", "bits|log 2")
def _(p, q):
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1) / math.log(2)


@wrong("distances.kl", r"1e-3|small number|0|differ")
def _(p, q):
    return (p * torch.log((p + 1e-3) / (q + 1e-3))).sum(-1)


@right("distances.entropy_gaussian")
def _(sigma):
    return stats.norm(scale=sigma).entropy()


@right("distances.entropy_gaussian")
def _(sigma):
    return dist.Normal(0.0, sigma).entropy()


@right("distances.entropy_gaussian")
def _(sigma):
    return math.log(sigma) + 0.5 * (1 + math.log(2 * math.pi))


@wrong("distances.entropy_gaussian", r"e is missing|minus 0\.5")
def _(sigma):
    return math.log(sigma * math.sqrt(2 * math.pi))


@wrong("distances.entropy_gaussian", "square|half")
def _(sigma):
    return 0.5 * (1 + math.log(2 * math.pi * sigma))


@right("distances.wasserstein_1d")
def _(x, y):
    return stats.wasserstein_distance(x.numpy(), y.numpy())


@right("distances.wasserstein_1d")
def _(x, y):
    grid = torch.cat([x, y]).sort().values
    cdf_x = (x[:, None] <= grid[:-1]).float().mean(0)
    cdf_y = (y[:, None] <= grid[:-1]).float().mean(0)
    return ((cdf_x - cdf_y).abs() * grid.diff()).sum()


@wrong("distances.wasserstein_1d", "same size|length|as long as")
def _(x, y):
    n = min(len(x), len(y))
    return (torch.sort(x)[0][:n] - torch.sort(y)[0][:n]).abs().mean()


@wrong("distances.wasserstein_1d", "sorted")
def _(x, y):
    n, m = len(x), len(y)
    return (x.repeat_interleave(m) - y.repeat_interleave(n)).abs().mean()


@wrong("distances.wasserstein_1d", "values, indices|tuple|unsupported|sort")
def _(x, y):
    return (x.sort() - y.sort()).abs().mean()


@right("distances.kl_gaussians")
def _(mu1, logvar1, mu2, logvar2):
    first, second = dist.Normal(mu1, (logvar1 / 2).exp()), dist.Normal(mu2, (logvar2 / 2).exp())
    return dist.kl_divergence(first, second)


@wrong("distances.kl_gaussians", "exp|variance|deviation")
def _(mu1, logvar1, mu2, logvar2):
    return dist.kl_divergence(dist.Normal(mu1, logvar1.exp()), dist.Normal(mu2, logvar2.exp()))


@wrong("distances.kl_gaussians", "elementwise|sum|shape")
def _(mu1, logvar1, mu2, logvar2):
    first, second = dist.Normal(mu1, (logvar1 / 2).exp()), dist.Normal(mu2, (logvar2 / 2).exp())
    return dist.kl_divergence(first, second).sum(-1)


@wrong("distances.kl_gaussians", r"squared|sign")
def _(mu1, logvar1, mu2, logvar2):
    return 0.5 * (logvar2 - logvar1 + (logvar1.exp() + mu1 - mu2) / logvar2.exp() - 1)


@right("distances.frechet_1d")
def _(x, y):
    x, y = x.numpy(), y.numpy()
    return (x.mean() - y.mean()) ** 2 + x.var() + y.var() - 2 * np.sqrt(x.var() * y.var())


@wrong("distances.frechet_1d", r"root|square")
def _(x, y):
    return torch.sqrt((x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2)


@wrong("distances.frechet_1d", r"varianc|deviation")
def _(x, y):
    return (x.mean() - y.mean()) ** 2 + (x.var() + y.var() - 2 * (x.var() * y.var()))


@right("distances.sliced_wasserstein")
def _(x, y, directions):
    total = 0
    for u in directions:
        a, _ = torch.sort((x * u).sum(1))
        b, _ = torch.sort((y * u).sum(1))
        total = total + (a - b).abs().mean()
    return total / directions.shape[0]


@wrong("distances.sliced_wasserstein", "sorted along the directions|axis|dim=0")
def _(x, y, directions):
    a = torch.sort(x @ directions.T)[0]
    b = torch.sort(y @ directions.T)[0]
    return (a - b).abs().mean()


@wrong(
    "distances.sliced_wasserstein",
    "summed over the directions|number of directions|length of `directions`|axis 0 of `directions`",
)
def _(x, y, directions):
    return sum(((x @ u).sort().values - (y @ u).sort().values).abs().mean() for u in directions)


@wrong("distances.sliced_wasserstein", r"stops with|transposed")
def _(x, y, directions):
    return ((x @ directions).sort(0).values - (y @ directions).sort(0).values).abs().mean()


# ---------------------------------------------------------------- 14, the GAN minimax


@right("gan_minimax.losses_at_zero")
def _():
    return [math.log(4), -math.log(0.5)]


@right("gan_minimax.losses_at_zero")
def _():
    return 1.386, 0.693


@wrong("gan_minimax.losses_at_zero", "two terms|each|real and fake")
def _():
    return 0.693, 0.693


@wrong("gan_minimax.losses_at_zero", "2 results|got")
def _():
    return math.log(4)


@right("gan_minimax.optimal_discriminator")
def _(p_data, p_g):
    return 1 / (1 + p_g / p_data)


@wrong("gan_minimax.optimal_discriminator", "odds|ratio")
def _(p_data, p_g):
    return p_data / p_g


@wrong("gan_minimax.optimal_discriminator", "twice|half|mixture")
def _(p_data, p_g):
    mixture = (p_data + p_g) / 2
    return p_data / mixture


@right("gan_minimax.d_loss")
def _(real_logits, fake_logits):
    real = F.binary_cross_entropy_with_logits(real_logits, torch.ones_like(real_logits))
    return real + F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))


@right("gan_minimax.d_loss")
def _(real_logits, fake_logits):
    return -(F.logsigmoid(real_logits).mean() + F.logsigmoid(-fake_logits).mean())


@wrong("gan_minimax.d_loss", r"±10⁴|overflow|extreme|infinite")
def _(real_logits, fake_logits):
    D_real, D_fake = real_logits.sigmoid(), fake_logits.sigmoid()
    return -D_real.log().mean() - torch.log1p(-D_fake).mean()


@wrong("gan_minimax.d_loss", r"cut off|±10⁴|extreme")
def _(real_logits, fake_logits):
    bce = torch.nn.BCELoss()
    real, fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


@wrong("gan_minimax.d_loss", r"sign|real and fake|exchanged|label")
def _(real_logits, fake_logits):
    real = F.binary_cross_entropy_with_logits(real_logits, torch.zeros_like(real_logits))
    return real + F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


@wrong("gan_minimax.d_loss", r"\.item\(\)|gradient")
def _(real_logits, fake_logits):
    return F.softplus(-real_logits).mean().item() + F.softplus(fake_logits).mean().item()


@wrong("gan_minimax.d_loss", r"together|mean of each|one mean|as long as")
def _(real_logits, fake_logits):
    logits = torch.cat([real_logits.flatten(), fake_logits.flatten()])
    labels = torch.cat([torch.ones(real_logits.numel()), torch.zeros(fake_logits.numel())])
    return 2 * F.binary_cross_entropy_with_logits(logits, labels)


@right("gan_minimax.g_loss")
def _(fake_logits):
    return torch.logaddexp(torch.zeros_like(fake_logits), -fake_logits).mean()


@wrong("gan_minimax.g_loss", "saturates|minimax")
def _(fake_logits):
    return F.logsigmoid(-fake_logits).mean()


@wrong("gan_minimax.g_loss", "one number|mean")
def _(fake_logits):
    return F.softplus(-fake_logits)


@right("gan_minimax.extragradient_step")
def _(V, u, v, h):
    def slope(u, v):
        u = torch.tensor(float(u), requires_grad=True)
        v = torch.tensor(float(v), requires_grad=True)
        V(u, v).backward()
        return u.grad, v.grad

    gu, gv = slope(u, v)
    gu, gv = slope(u - h * gu, v + h * gv)
    return u - h * gu, v + h * gv


@wrong("gan_minimax.extragradient_step", "two steps in a row|where you|trial point")
def _(V, u, v, h):
    for _ in range(2):
        a = torch.tensor(float(u), requires_grad=True)
        b = torch.tensor(float(v), requires_grad=True)
        da, db = torch.autograd.grad(V(a, b), (a, b))
        u, v = u - h * da.item(), v + h * db.item()
    return u, v


@wrong("gan_minimax.extragradient_step", "stops with|requires_grad|does not require grad")
def _(V, u, v, h):
    a, b = torch.tensor(u), torch.tensor(v)
    du, dv = torch.autograd.grad(V(a, b), (a, b))
    return u - h * du, v + h * dv


# ---------------------------------------------------------------- 15, the ELBO


@right("elbo.hidden_sigma")
def _(w):
    return (0.5 * w) ** 0.5


@right("elbo.hidden_sigma")
def _(w):
    return torch.sqrt(torch.tensor(w / 2))


@wrong("elbo.hidden_sigma", "variance|root|square")
def _(w):
    return 0.5 * w


@right("elbo.gaussian_kl")
def _(mean, logvar):
    q = dist.Normal(mean, torch.exp(logvar / 2))
    return dist.kl_divergence(q, dist.Normal(torch.zeros_like(mean), torch.ones_like(mean))).sum(-1)


@right("elbo.gaussian_kl")
def _(mean, logvar):
    return -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp(), dim=1)


@wrong("elbo.gaussian_kl", "whole batch|one for each image|number for each")
def _(mean, logvar):
    return -0.5 * torch.sum(1 + logvar - mean.pow(2) - logvar.exp())


@wrong("elbo.gaussian_kl", "sign|plus|log-variance|taken off")
def _(mean, logvar):
    return 0.5 * torch.sum(mean**2 + logvar.exp() - 1 + logvar, dim=1)


@wrong("elbo.gaussian_kl", "averaged|number of latents|axis 1 of|divided by")
def _(mean, logvar):
    return -0.5 * torch.mean(1 + logvar - mean.pow(2) - logvar.exp(), dim=1)


@wrong("elbo.gaussian_kl", "power|\\*\\*")
def _(mean, logvar):
    return 0.5 * (mean ^ 2 + logvar.exp() - 1 - logvar).sum(dim=1)


@right("elbo.reparameterize")
def _(mean, logvar, eps):
    std = logvar.exp().sqrt()
    return torch.addcmul(mean, std, eps)


@wrong("elbo.reparameterize", r"variance|exp\(logvar / 2\)")
def _(mean, logvar, eps):
    return mean + eps * torch.exp(logvar)


@wrong("elbo.reparameterize", "drawn anew|random|given")
def _(mean, logvar, eps):
    std = torch.exp(0.5 * logvar)
    return mean + std * torch.randn_like(std)


@wrong("elbo.reparameterize", r"gradient.*no_grad")
def _(mean, logvar, eps):
    with torch.no_grad():
        std = torch.exp(0.5 * logvar)
    return mean + std * eps


@right("elbo.elbo")
def _(log_p, kl):
    return torch.sub(log_p, kl)


@wrong("elbo.elbo", "batch|each image")
def _(log_p, kl):
    return torch.mean(log_p - kl)


@wrong("elbo.elbo", "added|price")
def _(log_p, kl):
    return log_p + kl


@right("elbo.iwae_bound")
def _(log_w):
    K = log_w.shape[0]
    top = log_w.max(dim=0, keepdim=True).values
    return (torch.exp(log_w - top).sum(dim=0) / K).log() + top[0]


@right("elbo.iwae_bound")
def _(log_w):
    from scipy.special import logsumexp

    return logsumexp(log_w.numpy(), axis=0) - np.log(log_w.shape[0])


@wrong("elbo.iwae_bound", "ELBO|before")
def _(log_w):
    return torch.mean(log_w, dim=0)


@wrong("elbo.iwae_bound", "samples|first axis|axis 1")
def _(log_w):
    return torch.logsumexp(log_w, dim=1) - math.log(log_w.shape[1])


@wrong("elbo.iwae_bound", r"keepdim|axis too many|squeeze")
def _(log_w):
    top = log_w.max(dim=0, keepdim=True).values
    return torch.exp(log_w - top).mean(dim=0, keepdim=True).log() + top


# ---------------------------------------------------------------- 16, Gram matrices


@right("gram_matrices.constant_gram")
def _(a, height, width):
    f = torch.full((1, height * width), a)
    return (f @ f.T / (height * width)).item()


@wrong("gram_matrices.constant_gram", "places|height|divided")
def _(a, height, width):
    f = torch.full((1, height * width), a)
    return (f @ f.T).item()


@right("gram_matrices.gram")
def _(features):
    _, c, h, w = features.shape
    return torch.einsum("nchw,ndhw->ncd", features, features) / (c * h * w)


@right("gram_matrices.gram")
def _(features):
    grams = []
    for f in features:
        rows = f.view(f.shape[0], -1)
        grams.append(torch.mm(rows, rows.t()).div(rows.numel()))
    return torch.stack(grams)


@wrong("gram_matrices.gram", "batch")
def _(features):
    n, c, h, w = features.size()
    rows = features.view(n * c, h * w)
    return torch.mm(rows, rows.t()) / (n * c * h * w)


@wrong("gram_matrices.gram", "C H W|divided by C only|times")
def _(features):
    n, c, _, _ = features.shape
    rows = features.reshape(n, c, -1)
    return rows @ rows.mT / c


@wrong("gram_matrices.gram", "tensors? in a list|torch.stack|numbers are right")
def _(features):
    return [f.flatten(1) @ f.flatten(1).T / f.numel() for f in features]


@right("gram_matrices.even_texture")
def _(row, column):
    x = torch.zeros(len(column), len(row), dtype=torch.int64)
    x[0], x[:, 0] = row, column
    for i in range(1, len(column)):
        for j in range(1, len(row)):
            x[i, j] = (x[i - 1, j] + x[i, j - 1] + x[i - 1, j - 1]) % 2
    return x


@right("gram_matrices.even_texture")
def _(row, column):
    flip = (column != column[0]).long()[:, None]
    return torch.where(flip == 1, 1 - row[None], row[None])


@wrong("gram_matrices.even_texture", "corner")
def _(row, column):
    return torch.logical_xor(row[None], column[:, None]).long()


@wrong("gram_matrices.even_texture", "product|three|even")
def _(row, column):
    return torch.outer(column, row)


@right("gram_matrices.covariance_from_gram")
def _(G, mu):
    C = mu.shape[0]
    return C * G - mu[:, None] @ mu[None, :]


@wrong("gram_matrices.covariance_from_gram", r"outer|vector|every row")
def _(G, mu):
    return G * mu.numel() - mu**2


@wrong("gram_matrices.covariance_from_gram", r"C is missing|divided")
def _(G, mu):
    return G - torch.outer(mu, mu)


@right("gram_matrices.adain")
def _(content, style):
    n, c = content.shape[:2]
    a, b = content.reshape(n, c, -1), style.reshape(n, c, -1)
    normed = (a - a.mean(-1, keepdim=True)) / (a.std(-1, keepdim=True) + 1e-5)
    return (normed * b.std(-1, keepdim=True) + b.mean(-1, keepdim=True)).reshape(content.shape)


@right("gram_matrices.adain")
def _(content, style):
    b = style.flatten(2)
    return (
        F.instance_norm(content) * b.std(2, correction=0)[..., None, None]
        + b.mean(2)[..., None, None]
    )


@wrong("gram_matrices.adain", "variance|standard deviation|root")
def _(content, style):
    m, v = content.mean((2, 3), keepdim=True), content.var((2, 3), keepdim=True)
    return style.mean((2, 3), keepdim=True) + style.var((2, 3), keepdim=True) * (content - m) / v


@wrong("gram_matrices.adain", "exchanged|first keeps")
def _(content, style):
    m, s = style.mean((2, 3), keepdim=True), style.std((2, 3), keepdim=True)
    return content.mean((2, 3), keepdim=True) + content.std((2, 3), keepdim=True) * (style - m) / s


@right("gram_matrices.style_loss")
def _(features, target):
    _, c, h, w = features.shape
    G = torch.einsum("nihw,njhw->nij", features, features) / (c * h * w)
    return torch.linalg.matrix_norm(G - target) ** 2


@wrong("gram_matrices.style_loss", "mse|mean over|each image|one number")
def _(features, target):
    rows = features.flatten(2)
    G = rows @ rows.mT / features[0].numel()
    return F.mse_loss(G, target)


@wrong("gram_matrices.style_loss", "root|norm itself|square")
def _(features, target):
    rows = features.flatten(2)
    G = rows @ rows.mT / features[0].numel()
    return torch.linalg.matrix_norm(G - target)
