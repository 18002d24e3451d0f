#!/usr/bin/env bash
# Sets up Perennial's environment in .venv from uv.lock.
#
#     ./bootstrap.sh                  set up the environment; takes a moment if nothing has changed
#     ./bootstrap.sh --print-python   only print the interpreter that it would use
#
# Needs only a Python interpreter with venv: it installs uv into an environment of its own, .uv. TensorFlow's current
# wheels need glibc 2.39 or newer (Debian 13, Ubuntu 24.04); older machines get Python 3.10 and the last TFX line that
# runs there. It searches interpreters on the PATH and under pyenv, and never downloads one.
#
# PERENNIAL_LIBC_VERSION overrides the version of the C library, for tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# make, or an activated environment, puts the environment's own interpreter on the PATH. The environment cannot be made
# from this interpreter.
PATH=${PATH//"$PWD/.venv/bin:"/}

UV_VERSION=0.13.9
FIRST_CURRENT_LIBC=2.39

fail() {
  printf 'bootstrap: %s\n' "$@" >&2
  exit 1
}

libc_version() {
  if [ -n "${PERENNIAL_LIBC_VERSION:-}" ]; then
    echo "$PERENNIAL_LIBC_VERSION"
  else
    # Prints "glibc 2.36"; other C libraries do not have this name.
    getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2
  fi
}

# Whether an interpreter runs and has this version: pyenv has shims also for versions that it refuses to run.
runs_as() { # INTERPRETER VERSION
  [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$2" ]
}

find_python() { # VERSION
  local candidate
  candidate=$(command -v "python$1" || true)
  if [ -n "$candidate" ] && runs_as "$candidate" "$1"; then
    echo "$candidate"
    return 0
  fi
  while IFS= read -r candidate; do
    if runs_as "$candidate" "$1"; then
      echo "$candidate"
      return 0
    fi
  done < <(printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python | sort -rV)
  return 1
}

choose_python() {
  local libc wanted version
  libc=$(libc_version)
  [ -n "$libc" ] || fail "the C library is not glibc; Perennial runs on x86-64 Linux with glibc" \
    "use Debian, Ubuntu or one of the container images under images/"
  if [ "$(printf '%s\n' "$libc" "$FIRST_CURRENT_LIBC" | sort -V | head -n 1)" = "$FIRST_CURRENT_LIBC" ]; then
    wanted="3.13 3.12 3.11"
  else
    wanted="3.10"
  fi
  for version in $wanted; do
    find_python "$version" && return 0
  done
  if [ "$wanted" = 3.10 ]; then
    fail "no Python 3.10 found on the PATH or under ${PYENV_ROOT:-$HOME/.pyenv}/versions" \
      "this machine's C library is $libc; before $FIRST_CURRENT_LIBC Perennial needs Python 3.10" \
      "install it: 'apt-get install python3.10 python3.10-venv' (Ubuntu 22.04) or 'pyenv install 3.10' (Debian 12)"
  fi
  fail "no Python 3.13, 3.12 or 3.11 found on the PATH or under ${PYENV_ROOT:-$HOME/.pyenv}/versions" \
    "install one: 'apt-get install python3 python3-venv' (Debian 13, Ubuntu 24.04) or 'pyenv install 3.13'"
}

python=$(choose_python)
if [ "${1:-}" = --print-python ]; then
  echo "$python"
  exit 0
fi
[ $# -eq 0 ] || fail "unknown argument '$1'; allowed: --print-python"

stamp=$({ echo "$PWD $python $UV_VERSION"; cat uv.lock pyproject.toml setup.py; } | sha256sum | cut -d' ' -f1)
if [ -x .venv/bin/python ] && [ "$(cat .venv/perennial-stamp 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi

if [ "$(.uv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
  echo "bootstrap: installing uv $UV_VERSION into .uv" >&2
  rm -rf .uv
  "$python" -m venv .uv || fail "$python cannot make a virtual environment" \
    "install its venv module, such as 'apt-get install python3-venv'"
  .uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" ||
    fail "uv $UV_VERSION could not be installed; check pip's own settings (PIP_INDEX_URL, PIP_CERT, a proxy)"
fi

# pip's settings for certificates and slow networks are passed to uv as well.
[ -n "${SSL_CERT_FILE:-}" ] || [ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="$PIP_CERT"
[ -n "${UV_HTTP_TIMEOUT:-}" ] || [ -z "${PIP_DEFAULT_TIMEOUT:-}" ] || export UV_HTTP_TIMEOUT="$PIP_DEFAULT_TIMEOUT"

echo "bootstrap: setting up .venv with $("$python" --version) ($python)" >&2
UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv .uv/bin/uv sync --frozen --python "$python" ||
  fail "the environment could not be set up; the lines above say why"
# Last, so that an interrupted set-up is done again.
echo "$stamp" >.venv/perennial-stamp
