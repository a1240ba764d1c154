#!/usr/bin/env bash
# SSIM of one pair, four libraries, all with Wang's 11x11 Gaussian window: two values.
# scikit-image 0.26.0, pytorch-msssim 1.0.0 and kornia 0.9.0 with padding="valid" average the windows
# that lie inside; torchmetrics 1.9.0 and kornia's default reflect the image at its border and average
# those windows in: a hundredth more or less on small images. torchmetrics' kernel_size=7 changes
# nothing, since a Gaussian window's size follows from sigma there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0 numpy==2.4.6 scikit-image==0.26.0 \
  pytorch-msssim==1.0.0 kornia==0.9.0 torchmetrics==1.9.0
cat > "$folder/ssim.py" <<'PY'
import sys

import kornia.metrics
import numpy as np
import pytorch_msssim
import skimage.data
import torch
from skimage.metrics import structural_similarity
from torchmetrics.functional.image import structural_similarity_index_measure

rng = np.random.default_rng(0)
agree = []
for n in (28, 64, 256):
    x = skimage.data.camera()[100 : 100 + n, 200 : 200 + n].astype(float)
    y = (x + 25 * rng.standard_normal(x.shape)).clip(0, 255)
    a, b = (torch.from_numpy(image)[None, None] / 255 for image in (x, y))
    wang = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    inside = [
        structural_similarity(x, y, data_range=255, **wang),
        pytorch_msssim.ssim(a, b, data_range=1.0).item(),
        kornia.metrics.ssim(a, b, 11, 1.0, padding="valid").mean().item(),
    ]
    reflected = [
        kornia.metrics.ssim(a, b, 11, 1.0).mean().item(),
        structural_similarity_index_measure(a, b, data_range=1.0).item(),
        structural_similarity_index_measure(a, b, data_range=1.0, kernel_size=7).item(),
    ]
    print(f"seen: {n}x{n}: inside {np.round(inside, 4)}, reflected {np.round(reflected, 4)}")
    same = np.ptp(inside) < 1e-3 and np.ptp(reflected) < 1e-4
    agree.append(same and abs(inside[0] - reflected[0]) > 3e-3)
sys.exit(0 if all(agree) else "this has changed")
PY
"$folder/venv/bin/python" "$folder/ssim.py"
