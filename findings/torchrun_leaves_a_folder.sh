#!/usr/bin/env bash
# torch 2.13.0: torchrun leaves a folder torchelastic_* in the temporary folder after every launch,
# also of a program that ended well and wrote nothing: one more each time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet torch==2.13.0
echo "pass" > "$folder/nothing.py"
mkdir "$folder/tmp"
export TMPDIR="$folder/tmp" OMP_NUM_THREADS=1
for launch in 1 2; do
    "$folder/venv/bin/python" -m torch.distributed.run --nproc_per_node=2 \
        --master_port="${PORT:-29613}" "$folder/nothing.py" 2>/dev/null
done
left=$(find "$TMPDIR" -maxdepth 1 -name "torchelastic_*" | wc -l)
inside=$(find "$TMPDIR" -mindepth 2 | wc -l)
echo "seen: torch 2.13.0, two launches that ended with 0: $left folders left, $inside entries in them"
[ "$left" = 2 ] || { echo "this has changed"; exit 1; }
