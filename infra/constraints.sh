#!/usr/bin/env bash
# Regenerates constraints.txt: what a fresh environment resolves to today, within the bounds
# of pyproject.toml, and with it the empty database of that Prefect. Run the tests before committing the result.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet '.[test]'
"$folder/venv/bin/pip" freeze --exclude screening \
  | sed -E "s/^(onnxruntime-gpu==.*)$/\1; sys_platform == 'linux' and platform_machine == 'x86_64'/" \
  | grep -v '^-e' > constraints.txt
wc -l constraints.txt
"$folder/venv/bin/python" infra/prefect_schema.py
