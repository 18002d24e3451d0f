#!/usr/bin/env bash
# Installs the content of the pipeline's image, one step in each call. The Dockerfile runs it, and so does check.sh,
# without Docker.
#
#     install.sh compilers             compilers for packages without a wheel; only for the build stage
#     install.sh dependencies [EXTRA]  the environment from uv.lock, without this package; EXTRA: gpu, mlflow,
#                                      or gpu+mlflow
#     install.sh package [EXTRA]       this package, into the environment
#     install.sh tools [EXTRA]         the tools of the tests, for the stage that runs them
#     install.sh system                time zones, certificates and the user of the image itself
#
# Needs root on Debian 13 with Python 3.12 or 3.13 and its venv module. All steps except `system` need the project as
# the current folder. It leaves nothing in caches. The numbers and paths are also in pipeline/ground/image.py; a test
# compares them.
set -euo pipefail

USER_ID=10001
GROUP_ID=10001
HOME_DIR=/home/perennial
VENV=/opt/perennial/venv
UV_DIR=/opt/uv
# The packages that are built here: those of the lock without a wheel, and this one. Only pyfarmhash, which TensorFlow
# Model Analysis needs, needs a compiler.
BUILT=(google-apitools kfp-server-api pyfarmhash rouge-score perennial)

fail() {
  printf 'install.sh: %s\n' "$@" >&2
  exit 1
}

apt_install() {
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  apt-get clean
  rm -rf /var/lib/apt/lists/*
}

# The official Python image has the version in its name; Debian has its own version.
find_python() {
  local version
  for version in 3.12 3.13; do
    command -v "python$version" && return 0
  done
  fail "neither python3.12 nor python3.13 is on the PATH" \
    "start from the official python:3.12-slim-trixie image, or install python3 and python3-venv on Debian 13"
}

compilers() {
  local python packages=(g++) # the official image has Python's headers already
  python=$(find_python)
  [ "$python" != /usr/bin/python3.13 ] || packages+=(python3-dev python3-venv)
  apt_install "${packages[@]}"
}

# One version of uv for laptops and images: bootstrap.sh names it.
install_uv() { # PYTHON
  local version
  version=$(sed -n 's/^UV_VERSION=//p' bootstrap.sh)
  [ -n "$version" ] || fail "bootstrap.sh does not set UV_VERSION"
  [ "$("$UV_DIR/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$version" ] && return 0
  "$1" -m venv "$UV_DIR"
  "$UV_DIR/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check "uv==$version"
}

# Packages are built with the setuptools of the lock, not with the newest version of the day.
sync() { # EXTRA ARGUMENT...
  local extras python
  IFS=+ read -ra extras <<<"$1"
  shift
  [ -f uv.lock ] || fail "there is no uv.lock in $PWD; call it from the project's root"
  python=$(find_python)
  install_uv "$python"
  UV_PROJECT_ENVIRONMENT=$VENV UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy \
    "$UV_DIR/bin/uv" sync --frozen --no-editable --no-cache --compile-bytecode --quiet --python "$python" \
    "${BUILT[@]/#/--no-build-isolation-package=}" "${extras[@]/#/--extra=}" "$@"
  rm -f "$VENV/.lock" # uv's lock file, to which every user may write
}

tools() { # EXTRA
  apt_install git # for tests of commit names
  sync "$1" --no-install-project --inexact
}

system() {
  # The IANA time zones, which schedules use, and certificates. The official Python image has both.
  [ -e /usr/share/zoneinfo/Europe/Berlin ] && [ -e /etc/ssl/certs/ca-certificates.crt ] ||
    apt_install ca-certificates tzdata
  groupadd --gid "$GROUP_ID" perennial
  useradd --uid "$USER_ID" --gid "$GROUP_ID" --home-dir "$HOME_DIR" --create-home --shell /usr/sbin/nologin perennial
}

[ $# -ge 1 ] && [ $# -le 2 ] || fail "takes a step and at most one extra; received $# arguments"
case ${2:-} in
  "" | gpu | mlflow | gpu+mlflow) ;;
  *) fail "unknown extra '$2'; allowed: gpu, mlflow, gpu+mlflow" ;;
esac
case $1 in
  compilers | system) step=("$1") ;;
  dependencies) step=(sync "${2:-}" --no-default-groups --group image --no-install-project) ;;
  package) step=(sync "${2:-}" --no-default-groups --group image) ;;
  tools) step=(tools "${2:-}") ;;
  *) fail "unknown step '$1'; allowed: compilers, dependencies, package, tools, system" ;;
esac
[ "$(id -u)" = 0 ] || fail "must run as root: it installs packages and makes a user"
"${step[@]}"
