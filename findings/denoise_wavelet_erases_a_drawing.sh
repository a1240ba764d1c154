#!/usr/bin/env bash
# scikit-image 0.26.0, PyWavelets 1.9.0: denoise_wavelet, as it comes, erases the lines of a clean
# drawing. It estimates the noise by a median over the finest coefficients of its own wavelet, Haar's
# unless said, from which all that are exactly 0 are left out: of a drawing, only its lines are left.
# estimate_sigma, which one would ask first, finds no noise in the same picture: its wavelet is db2,
# whose coefficients of flat areas are not exactly 0 but of the size of rounding errors, and count.
# Told a sigma, denoise_wavelet leaves the lines where they are.
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

page = np.ones((128, 128))
page[20:110, 20:22] = 0  # the axes of a diagram, and a line in it
page[108:110, 20:110] = 0
for k in range(80):
    page[100 - k, 26 + k] = 0

asked = 255 * estimate_sigma(page)
fine = pywt.dwt2(page, "haar")[1][-1]
of_lines = 255 * np.median(np.abs(fine[fine != 0])) / 0.6745
alone = 255 * np.abs(denoise_wavelet(page, rescale_sigma=True) - page).max()
told = 255 * np.abs(denoise_wavelet(page, sigma=5 / 255, rescale_sigma=True) - page).max()
print(f"seen: scikit-image {skimage.__version__}: estimate_sigma {asked:.2f} of 255 levels;")
print(f"      by Haar's coefficients that are not 0, {np.mean(fine != 0):.0%} of all: {of_lines:.0f};")
print(f"      denoise_wavelet moves a pixel by {alone:.0f}, told a sigma of 5 by {told:.0f}")
fine_then = asked < 0.01 and of_lines > 100 and alone > 200 and told < 10
sys.exit(0 if fine_then else "this has changed")
PY
"$folder/venv/bin/python" "$folder/drawing.py"
