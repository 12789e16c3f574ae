# shellcheck shell=bash
# Read by build.sh, which puts the hash on the image, and by run_docker.sh, which compares it.

sha256() {
    if command -v sha256sum > /dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# One line "<SHA-256> <path>" for each file, hashed; the batch runner computes the same from its
# own benchmark_core (orchestrator/engines/core_sources.py) and refuses an image of another.
hash_of_core() {
    cd -- "$1" || return
    find . \( -name '.?*' -o -name __pycache__ \) -prune -o -type f ! -name '*.pyc' -print |
        LC_ALL=C sort |
        while IFS= read -r path; do
            printf '%s %s\n' "$(sha256 < "$path")" "${path#./}"
        done |
        sha256
}
