#!/usr/bin/env bash
# scikit-image 0.26.0, PyWavelets 1.9.0: estimate_sigma finds much noise where there is none at all.
# The estimate is a median over the finest wavelet coefficients, from which all that are exactly 0
# are left out. A screenshot, a diagram or a picture cut out on white has hardly any others: what is
# left are its edges. denoise_wavelet estimates in the same way if it is told no sigma, and blurs
# lines that were clean; the median over all coefficients is 0, and would leave them as they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip=("$folder/venv/bin/python" -m pip install --quiet)
"${pip[@]}" scikit-image==0.26.0 PyWavelets==1.9.0 numpy==2.4.6 scipy==1.17.1
cat > "$folder/drawing.py" <<'PY'
import sys

import numpy as np
import pywt
import skimage
from skimage.restoration import denoise_wavelet, estimate_sigma

page = np.full((128, 128), 255.0)
page[20:110, 20:22] = 0  # the axes of a diagram, and a line in it
page[108:110, 20:110] = 0
for k in range(80):
    page[100 - k, 26 + k] = 0
sigma = estimate_sigma(page)
fine = pywt.dwt2(page, "db2")[1][-1]
of_all = np.median(np.abs(fine)) / 0.6745
changed = np.abs(denoise_wavelet(page / 255, rescale_sigma=True) * 255 - page).max()
zeros = np.mean(np.abs(fine) < 1e-9)
print(f"seen: scikit-image {skimage.__version__}: sigma {sigma:.1f} of 255 in a page without noise,")
print(f"      {zeros:.0%} of whose finest coefficients are 0; with those counted {of_all:.1f};")
print(f"      denoise_wavelet moves a pixel by {changed:.0f} levels")
sys.exit(0 if sigma > 10 and of_all == 0 and changed > 10 else "this has changed")
PY
"$folder/venv/bin/python" "$folder/drawing.py"
