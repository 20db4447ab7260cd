#!/usr/bin/env bash
# Answer what is open about GPUs, in at most ten minutes besides the installation: one Markdown table.
#
#   benchmarks/gpu.sh --out benchmarks/gpu.md     # all steps; --help has the rest
#   benchmarks/gpu.sh --cpu                       # a dry run without a GPU, everything scaled down
#
# It takes the active virtual environment, or makes .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${VIRTUAL_ENV:-}" ]; then
    make .venv/installed
    VIRTUAL_ENV=$PWD/.venv
fi
exec "$VIRTUAL_ENV/bin/python" -m benchmarks.gpu "$@"
