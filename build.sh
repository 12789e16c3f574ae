#!/usr/bin/env bash
# Builds the image that runs one measurement. Works from any folder.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: ./build.sh [--base IMAGE] [--tag NAME] [--without-optimum] [docker build arguments ...]

  --base IMAGE   build on IMAGE (python3 3.11+ with venv) instead of the CUDA PyTorch image
  --tag NAME     name of the image, default ai_energy_score
  --without-optimum
                 leave out optimum-benchmark; the image cannot run --backend optimum then
  -h, --help     this text

Everything else goes to `docker build` as it is, for example --no-cache.
Wheels put into docker/wheelhouse/ are installed without asking a package index.
TEXT
}

refuse() {
    printf 'build.sh: %s\n' "$1" >&2
    exit "$2"
}

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)"
# shellcheck source=docker/core_hash.sh
. "$root/docker/core_hash.sh"
tag=ai_energy_score
arguments=()

while [ $# -gt 0 ]; do
    case "$1" in
        --base | --tag)
            [ $# -ge 2 ] && [ -n "$2" ] || refuse "$1 needs a value; see ./build.sh --help" 2
            if [ "$1" = --tag ]; then tag="$2"; else arguments+=(--build-arg "BASE_IMAGE=$2"); fi
            shift 2
            ;;
        --base=*) arguments+=(--build-arg "BASE_IMAGE=${1#--base=}"); shift ;;
        --tag=*) tag="${1#--tag=}"; shift ;;
        --without-optimum) arguments+=(--build-arg OPTIMUM=); shift ;;
        -h | --help) usage; exit 0 ;;
        *) arguments+=("$1"); shift ;;
    esac
done

command -v docker > /dev/null ||
    refuse "the docker command is not installed; install Docker, or run with --engine process" 3
if ! answer="$(docker version --format '{{.Server.Version}}' 2>&1)"; then
    refuse "the Docker engine does not answer: ${answer##*$'\n'}
Start it (systemctl start docker), or join the group docker if permission was denied." 3
fi

version="$(sed -n 's/^VERSION = "\(.*\)"$/\1/p' "$root/benchmark_core/__init__.py")"
[ -n "$version" ] || refuse "no VERSION in $root/benchmark_core/__init__.py; is the checkout whole?" 3
core="$(hash_of_core "$root/benchmark_core")"

exec docker build \
    --file "$root/docker/Dockerfile" \
    --tag "$tag" \
    --build-arg "VERSION=$version" \
    --label "ai-energy-score.core=$core" \
    ${arguments[@]+"${arguments[@]}"} \
    "$root"
