#!/usr/bin/env bash
# Makes the file tree of the pipeline's image without Docker, with the image's own install steps, and checks it as the
# image's user, with exactly the Dockerfile's environment.
#
#     images/pipeline/check.sh [CONFIG [--rehearse]]     default: configs/movielens-100k.yaml
#
# Needs root on a Debian 13 that may be thrown away (a chroot, a virtual machine): this system is the build stage, and a
# second, minimal Debian 13 inside it is the final stage. It uses Python 3.12 if /usr/local has it, as in the official
# image, otherwise Debian's 3.13. Beam's start program is missing, because only Beam's own image has it. --rehearse
# needs PERENNIAL_DATA, the folder of data sets.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

DOCKERFILE=images/pipeline/Dockerfile
SUITE=trixie
TREE=${TREE:-/srv/image}
MARK=.made-by-check.sh # only a tree with this file is deleted

fail() {
  printf 'check.sh: %s\n' "$@" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "must run as root, to make a second file tree"
grep -qs "^VERSION_CODENAME=$SUITE$" /etc/os-release || fail "this is not Debian 13 ($SUITE), the system of the image"
config=${1:-configs/movielens-100k.yaml}
[ -f "$config" ] || fail "$config: there is no such config"
rehearse=${2:-}
[ $# -le 2 ] && [ "${rehearse:---rehearse}" = --rehearse ] || fail "takes CONFIG and --rehearse; received: $*"
[ -z "$rehearse" ] || [ -d "${PERENNIAL_DATA:-}" ] || fail "--rehearse needs PERENNIAL_DATA, the folder of data sets; received: ${PERENNIAL_DATA:-}"

# The environment and the user that the Dockerfile sets in the stage on which the final one is based.
mapfile -t environment < <(sed -n '/^ENV /,/[^\\]$/p' $DOCKERFILE | sed -e 's/^ENV //' -e 's/^ *//' -e 's/ *\\$//')
user=$(sed -n '/ AS runtime$/,/^FROM /s/^USER //p' $DOCKERFILE)

release() {
  local folder
  for folder in dev proc; do
    ! mountpoint -q "$TREE/$folder" || umount --recursive --lazy "$TREE/$folder"
  done
}
trap release EXIT

echo "check.sh: build stage" >&2
sources=$(mktemp -d)
# Copies only what the Dockerfile copies, so that a file that it forgets is missing here too.
mapfile -t copied < <(sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' $DOCKERFILE | tr ' ' '\n' | sort -u)
tar --exclude=__pycache__ -cf - "${copied[@]}" | tar -xf - -C "$sources"
rm -rf /opt/perennial
(
  cd "$sources"
  for step in compilers dependencies package; do
    images/pipeline/install.sh "$step"
  done
)
rm -rf "$sources"

echo "check.sh: final stage" >&2
export DEBIAN_FRONTEND=noninteractive
command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq debootstrap >/dev/null; }
release
[ ! -e "$TREE" ] || [ -e "$TREE/$MARK" ] || fail "$TREE exists, but this script did not make it; name another folder in TREE"
rm -rf --one-file-system "$TREE"
mkdir -p "$TREE"
touch "$TREE/$MARK"
debootstrap --variant=minbase --include=python3 $SUITE "$TREE" >/dev/null
apt-get clean
chroot "$TREE" apt-get clean
rm -rf "$TREE"/var/lib/apt/lists/*
cp /etc/resolv.conf "$TREE/etc/resolv.conf"
cp images/pipeline/install.sh "$TREE/tmp/install.sh"
chroot "$TREE" /tmp/install.sh system
rm "$TREE/tmp/install.sh"
cp -a /opt/perennial "$TREE/opt/perennial"
case $(readlink -f /opt/perennial/venv/bin/python) in
  /usr/local/*) cp -a /usr/local "$TREE/usr/" && chroot "$TREE" ldconfig ;;
esac
mount -t proc proc "$TREE/proc"
mount --rbind /dev "$TREE/dev"
mount --make-rslave "$TREE/dev"

echo "check.sh: as user $user, with $(/opt/perennial/venv/bin/python --version)" >&2
mkdir "$TREE/workspace"
cp images/pipeline/smoke.sh "$config" "$TREE/workspace/"
[ ! -d "$(dirname "$config")/schemas" ] || cp -r "$(dirname "$config")/schemas" "$TREE/workspace/"
if [ -n "$rehearse" ]; then
  cp -r "$PERENNIAL_DATA" "$TREE/workspace/data"
  environment+=("PERENNIAL_DATA=/workspace/data")
fi
chroot --userspec="$user" "$TREE" /usr/bin/env -i "${environment[@]}" \
  /workspace/smoke.sh "/workspace/$(basename "$config")" ${rehearse:+"$rehearse"}
