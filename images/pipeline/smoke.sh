#!/usr/bin/env bash
# Checks the pipeline's image from inside, as its user: what it must have, what it must not have, and that it can
# compile jobs.
#
#     smoke.sh CONFIG [--rehearse]     CONFIG: a pipeline's YAML with a vertex section
#
# Cloud Build runs it in the image; check.sh runs it in the same file tree, without Docker. With --rehearse it also runs
# the compiled job; the config's data must be in the folder PERENNIAL_DATA.
set -euo pipefail

USER_ID=10001
VENV=/opt/perennial/venv

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "${2:---rehearse}" != --rehearse ]; then
  echo "smoke.sh: takes CONFIG and, to run the job, --rehearse; received: $*" >&2
  exit 2
fi
failed=0
work=$(mktemp -d)
# A copy: runs are written near the config, and this user may not be able to write there.
config=$work/configs/$(basename "$1")
mkdir "$work/configs"
cp "$1" "$config"
[ ! -d "$(dirname "$1")/schemas" ] || cp -r "$(dirname "$1")/schemas" "$work/configs/"
cd "$work" # this folder has no package that Python would find before the installed ones

check() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    echo "ok      $what"
  else
    echo "FAILED  $what" >&2
    tail -n 20 "$work/output" >&2
    failed=1
  fi
}

lacks() { # PROGRAM...
  local program
  for program in "$@"; do
    if command -v "$program"; then return 1; fi
  done
}

# Ignores folders that this user may not read.
finds_nothing() { # FOLDER... EXPRESSION
  local found
  found=$(find "$@" -print -quit 2>/dev/null || true)
  [ -z "$found" ] || {
    echo "$found"
    return 1
  }
}

check "the user is $USER_ID" test "$(id -u)" = "$USER_ID"
check "python is the environment's" test "$(command -v python)" = "$VENV/bin/python"
check "no compiler, make, uv or git" lacks cc c++ gcc g++ clang ld make uv git
check "no C headers" test ! -e /usr/include/stdio.h
check "the user can write neither programs nor settings" finds_nothing /opt /usr /etc ! -type l -writable
check "the user can write to its home and to /tmp" test -w "$HOME" -a -w /tmp
check "no caches" finds_nothing / -xdev -path /proc -prune -o ! -path "$work/*" \
  \( -path '*/.cache/*' -o -path '/var/cache/apt/*.deb' -o -path '/var/lib/apt/lists/*_Packages*' -o -path '/src/*' \)
check "the package is installed, not linked to sources" python -c '
import pathlib, sys, common, configs, documents, pipeline, service, serving_signatures, trainer, transforms
for package in (common, configs, documents, pipeline, service, serving_signatures, trainer, transforms):
    assert pathlib.Path(sys.prefix) in pathlib.Path(package.__file__).parents, package.__file__'
check "the package has its bytecode, so no start compiles it" python -c '
import pathlib, pipeline.commands.cli
assert pathlib.Path(pipeline.commands.cli.__cached__).exists(), pipeline.commands.cli.__cached__'
check "TensorFlow works, with Keras 2 and TensorBoard" python -c '
import sys, tensorflow as tf, tensorflow_recommenders as tfrs, tf_keras
assert issubclass(tfrs.Model, tf_keras.Model)
with tf.summary.create_file_writer(sys.argv[1]).as_default():
    assert tf.summary.scalar("sum", tf.reduce_sum(tf.ones([3])), step=0)' "$work/tensorboard"
check "TFX, Beam, KFP and the client of Vertex" python -c 'import tfx.v1, apache_beam, kfp, google.cloud.aiplatform'
check "the system has time zones" test -e /usr/share/zoneinfo/Europe/Berlin
check "the system has web certificates" python -c '
import ssl
assert ssl.create_default_context().cert_store_stats()["x509_ca"] > 50'
# The check that Beam's start program makes before it starts a worker.
check "pip knows apache-beam" python -m pip show --quiet apache-beam
check "perennial" perennial --help
check "python -m pipeline.commands.cli" python -m pipeline.commands.cli --help
# The command with which the containers of a compiled job start.
check "TFX's entry point of a task" python -m tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor --helpshort
check "the job compiles" perennial vertex compile --config "$config" --output "$work/pipeline.json"
if [ "$failed" = 0 ] && [ $# = 2 ]; then
  perennial vertex rehearse --config "$config" --job "$work/pipeline.json" || failed=1
fi
if [ "$failed" != 0 ]; then
  echo "smoke.sh: the image failed the checks above; their files are in $work" >&2
  exit 1
fi
rm -rf "$work"
