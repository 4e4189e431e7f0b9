#!/usr/bin/env bash
# Pins every dependency with its hashes, for all supported Pythons and platforms at once.
# Names no index: the files install from whichever mirror the machine is set up for.
# `deploy/lock.sh --upgrade` moves to newer versions; without it, pins that still fit stay.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
[ -x "$uv" ] || uv=uv

lock() {
  local name=$1
  shift
  "$uv" pip compile pyproject.toml --quiet "$@" \
    --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
    --output-file "deploy/requirements/$name.txt" "${upgrade[@]}"
}

upgrade=("$@")
lock dev --extra dev
# The images take the very versions that were tested.
lock worker --constraint deploy/requirements/dev.txt
lock dashboard --extra dashboard --constraint deploy/requirements/dev.txt
