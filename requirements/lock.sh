#!/usr/bin/env bash
# Regenerates the requirement files beside this script from the ranges in pyproject.toml. Run it as `make lock`.
#
# Enters: pyproject.toml, the present files (their pins stay unless an upgrade is asked for), LOCK_WITH (the uv to run, default uv).
# Leaves: dev.txt, the superset that the tests run on, and app.txt, train.txt, serve.txt, core.txt: parts of it, with the same versions.
# Every line is pinned with hashes and no line names the index it came from: a reader installs from the index of their own.
#
# `make lock` keeps the pins, `make lock UPGRADE=1` moves them to the newest versions that the ranges allow.
set -euo pipefail
cd "$(dirname "$0")/.."

# A developer's own indexes and link folders must not reach the files.
for name in $(compgen -e | grep -E '^(UV|PIP)_' || true); do unset "$name"; done

: "${LOCK_WITH:=uv}"
compile() {
    nice "$LOCK_WITH" pip compile pyproject.toml --group build --quiet --no-config --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
}

compile --extra dev --output-file requirements/dev.txt ${UPGRADE:+--upgrade}
for part in app train serve; do
    compile --extra "$part" --constraint requirements/dev.txt --output-file "requirements/$part.txt" --upgrade
done
compile --constraint requirements/dev.txt --output-file requirements/core.txt --upgrade
# What a host of the app installs: without the command line's libraries, which are a fifth of the size.
nice "$LOCK_WITH" pip compile src/mlpaygrade/app/requirements.in --quiet --no-config --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
    --constraint requirements/dev.txt --output-file src/mlpaygrade/app/requirements.txt --upgrade
