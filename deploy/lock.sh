#!/usr/bin/env bash
# Pins every dependency with its hashes, for all supported Pythons and platforms at once.
# Names no index: the files install from whichever mirror the machine is set up for.
# `deploy/lock.sh --upgrade` moves to newer versions; without it, pins that still fit stay.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
[ -x "$uv" ] || uv=uv
into=deploy/requirements
upgrade=("$@")

lock() {
  local name=$1
  shift
  "$uv" pip compile --quiet "$@" \
    --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
    --output-file "$into/$name.txt" "${upgrade[@]}"
}

# TensorFlow's wheel for Linux on x86-64 carries CUDA: 572 MB, 1.8 GB unpacked. The same release
# without it is called tensorflow-cpu: 274 MB, 1.2 GB. It exists only there (and for Windows, where
# the two are of one size), so everybody else keeps `tensorflow`. tensorflow-serving-api asks for it
# by that name; deploy/install.py knows that it is there under the other.
cuda="sys_platform == 'linux' and platform_machine == 'x86_64'"
release=$(grep -oE 'tensorflow>=[^"]+' pyproject.toml)
slim() {
  local name=$1
  shift
  lock "$name" pyproject.toml - "$@" <<<"${release/tensorflow/tensorflow-cpu} ; $cuda" \
    --overrides <(echo "$release ; sys_platform != 'linux' or platform_machine != 'x86_64'")
}

slim dev --extra dev
# Everybody takes the very versions that were tested.
slim demo --extra demo --constraints $into/dev.txt
lock worker pyproject.toml --constraints $into/dev.txt
lock dashboard pyproject.toml --extra dashboard --constraints $into/dev.txt
# What installs the others.
lock uv - --constraints $into/dev.txt <<<"uv"
