#!/usr/bin/env bash
# Measures one model in a container, with the arguments of the original. Works from any folder.
# What the arguments mean for the measurement is decided inside, by benchmark_core.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: ./run_docker.sh [-n N] --config-name TASK backend.model=ORG/NAME [key=value ...]

  -n, --num-samples N  how many samples, default 20; -1 for all there are
  -h, --help           this text

The results go to ./results, an earlier run there to ./results/attempts. docs/original_commands.md
lists the tasks, the keys, and how to bring config files and prompts of your own.

Variables: RESULTS_DIR, DOCKER_IMAGE (default ai_energy_score), BENCHMARK_BACKEND, VLLM_ENDPOINT,
HF_TOKEN, HF_TOKEN_PATH, HF_HOME, HF_HUB_CACHE, HF_DATASETS_CACHE, HF_HUB_OFFLINE,
CUDA_VISIBLE_DEVICES. USE_DOCKER=false runs the same without a container.

Exit codes: 0 finished, 1 the run failed, 2 wrong arguments, 3 this machine is not ready,
130 interrupted
TEXT
}

refuse() {
    printf 'run_docker.sh: %s\n' "$1" >&2
    exit "$2"
}

warn() {
    printf 'run_docker.sh: %s\n' "$1" >&2
}

# Prints yes or no, the second argument where the variable says nothing. To be called in $(...).
truth() {
    local text="${!1-}"
    shopt -s nocasematch
    if [[ $text =~ ^[[:space:]]*$ ]]; then
        printf '%s' "$2"
    elif [[ $text =~ ^[[:space:]]*(1|true|yes|on)[[:space:]]*$ ]]; then
        printf yes
    elif [[ $text =~ ^[[:space:]]*(0|false|no|off)[[:space:]]*$ ]]; then
        printf no
    else
        text="$(printf '%q' "${text:0:40}")"
        refuse "environment variable $1: $text is neither true nor false; set it to true or false" 2
    fi
}

# The path from the root of the file system; the last name stays as the user wrote it.
absolute() {
    local path="$1"
    # shellcheck disable=SC2088 # the tilde of an argument, which no shell has replaced
    case "$path" in '~/'*) path="$HOME/${path#'~/'}" ;; esac
    if [ -d "$path" ]; then
        (cd -- "$path" && pwd -P)
    else
        printf '%s/%s\n' "$(cd -- "$(dirname -- "$path")" && pwd -P)" "$(basename -- "$path")"
    fi
}

# One --mount: binds refuse a source that is not there, and quotes let it hold commas and colons.
add_mount() {
    local source="${1//\"/\"\"}" target="${2//\"/\"\"}" mode="$3"
    options+=(--mount "type=bind,\"source=$source\",\"target=$target\"$mode")
}

# ------------------------------------------------------------------ arguments

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)"
words=()
samples=()

# One of the flags that name a config, as one word. A second one would silently win.
add_flag() {
    local word
    for word in ${words[@]+"${words[@]}"}; do
        case "$word" in "$1="*) refuse "$1 is given more than once; leave all but one out" 2 ;; esac
    done
    words+=("$1=$2")
}

while [ $# -gt 0 ]; do
    case "$1" in
        -n | --num-samples)
            [ $# -ge 2 ] || refuse "$1 needs a number; see ./run_docker.sh --help" 2
            samples+=("scenario.num_samples=$2")
            shift 2
            ;;
        -n[0-9]*) samples+=("scenario.num_samples=${1#-n}"); shift ;;
        --num-samples=*) samples+=("scenario.num_samples=${1#--num-samples=}"); shift ;;
        --config-name | --config-dir)
            case "${2--}" in -*) refuse "$1 needs a value; see ./run_docker.sh --help" 2 ;; esac
            add_flag "$1" "$2"
            shift 2
            ;;
        --config-name=* | --config-dir=*) add_flag "${1%%=*}" "${1#*=}"; shift ;;
        -h | --help) usage; exit 0 ;;
        *) words+=("$1"); shift ;;
    esac
done
[ "${#words[@]}" -gt 0 ] || refuse "no arguments; see ./run_docker.sh --help" 2
words+=(${samples[@]+"${samples[@]}"})
# For those who do not say how many, on the command line or in a config file.
export DEFAULT_NUM_SAMPLES=20

use_docker="$(truth USE_DOCKER yes)"
offline="$(truth HF_HUB_OFFLINE no)"
# The hub's library knows the word without blanks alone.
if [ "$offline" = yes ]; then export HF_HUB_OFFLINE=1; fi
cache="${HF_HOME:-$HOME/.cache/huggingface}"
results="${RESULTS_DIR:-$PWD/results}"
mkdir -p -- "$results" || refuse "$results cannot be made; set RESULTS_DIR to a folder of yours" 3
results="$(absolute "$results")"

# ------------------------------------------------------------------ clean up

scratch="" container="" child=""

# shellcheck disable=SC2317 # called by the traps
# What a signal leaves: the container that the engine runs is no child of this script.
clean_up() {
    if [ -n "$container" ]; then
        docker rm --force "$container" > /dev/null 2>&1 || true
    fi
    if [ -n "$scratch" ]; then
        rm -rf -- "$scratch"
    fi
}

# shellcheck disable=SC2317 # called by the traps
stop() {
    trap '' INT TERM HUP
    if [ -n "$container" ]; then
        docker stop --time 10 "$container" > /dev/null 2>&1 || true
    fi
    if [ -n "$child" ]; then
        kill -TERM "$child" 2> /dev/null || true
        wait "$child" || true
    fi
    exit 130
}

trap clean_up EXIT
trap stop INT TERM HUP

# In the background, so that a signal is heeded at once.
run() {
    local code=0
    "$@" < /dev/null &
    child=$!
    wait "$child" || code=$?
    child=""
    return "$code"
}

# ------------------------------------------------------------------ token

token="" user="" group=""

find_token() {
    local path text=""
    token="${HF_TOKEN:-}"
    for path in "${HF_TOKEN_PATH:-$cache/token}" "$HOME/.huggingface/token"; do
        if [ -z "$token" ] && [ -f "$path" ] && [ -r "$path" ]; then
            IFS= read -r text < "$path" || true
            token="$text"
        fi
    done
    token="${token//[[:space:]]/}"
    # From here on it is in no environment: neither that of docker nor that of the run.
    unset HF_TOKEN HF_TOKEN_PATH
}

# A copy that the user of the run alone can read, named by $token_file.
token_file=""
write_token() {
    scratch="$(mktemp -d "${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/ai-energy-score.XXXXXX")"
    token_file="$scratch/hf_token"
    (umask 377 && printf '%s' "$token" > "$token_file")
    if [ "$(id -u)" -eq 0 ]; then chown "$1" "$token_file"; fi
}

find_token

# ------------------------------------------------------------------ without a container

if [ "$use_docker" = no ]; then
    python=python3
    if [ -x "$root/.venv/bin/python" ]; then python="$root/.venv/bin/python"; fi
    command -v "$python" > /dev/null ||
        refuse "python3 is not installed; see docs/running.md, or leave USE_DOCKER out" 3
    if [ -n "$token" ]; then
        write_token "$(id -u):$(id -g)"
        export HF_TOKEN_PATH="$token_file"
    fi
    export RESULTS_DIR="$results" PYTHONPATH="$root" PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1
    code=0
    run "$python" -m benchmark_core "${words[@]}" || code=$?
    exit "$code"
fi

# ------------------------------------------------------------------ what the container is given

image="${DOCKER_IMAGE:-ai_energy_score}"
command -v docker > /dev/null ||
    refuse "the docker command is not installed; install Docker, or set USE_DOCKER=false" 3
if ! engine="$(docker info --format '{{range $n, $_ := .Runtimes}}{{$n}} {{end}}{{.SecurityOptions}}' 2>&1)"; then
    refuse "the Docker engine does not answer: ${engine##*$'\n'}
Start it (systemctl start docker), or join the group docker if permission was denied." 3
fi
if ! built_from="$(docker image inspect --format \
    '{{range $name, $text := .Config.Labels}}{{if eq $name "ai-energy-score.core"}}{{$text}}{{end}}{{end}}' \
    "$image" 2> /dev/null)"; then
    refuse "there is no image $image here; build it with ./build.sh, or set DOCKER_IMAGE" 3
fi
# shellcheck source=docker/core_hash.sh
. "$root/docker/core_hash.sh"
if [ -z "$built_from" ]; then
    warn "the image $image does not say from which sources of benchmark_core it was built, so it may
be of another version; ./build.sh --tag $image builds one that says so"
elif [ "$built_from" != "$(hash_of_core "$root/benchmark_core")" ]; then
    refuse "the image $image was built from other sources of benchmark_core than these
Build it again: ./build.sh --tag $image" 3
fi

options=()
arguments=()
device="" backend="" endpoint="${VLLM_ENDPOINT:-}"

# The value of key=value as the core reads it: without quotes, and empty for null, which states
# nothing.
plain() {
    case "$1" in
        \'*\' | \"*\") printf '%s' "${1:1:${#1}-2}" ;;
        [Nn][Uu][Ll][Ll]) ;;
        *) printf '%s' "$1" ;;
    esac
}

# Files of the user's own: mounted, and named as they are called inside.
place_file() {
    local key="$1" value="$2" folder="$3" path
    if ! path="$(absolute "$value" 2> /dev/null)" || [ ! -e "$path" ]; then
        refuse "$key$value: there is no such file or folder" 2
    fi
    add_mount "$path" "/inputs/$folder/$(basename -- "$path")" ",readonly"
    arguments+=("$key/inputs/$folder/$(basename -- "$path")")
}

place_config() {
    local name="$1"
    case "$name" in
        */* | *.yaml | *.yml)
            if [ "$own_folder" = no ]; then
                arguments+=(--config-name)
                place_file "" "$name" config_file
                return
            fi
            ;;
    esac
    arguments+=(--config-name "$name")
}

own_folder=no own_config=no
for word in "${words[@]}"; do
    case "$word" in
        --config-dir=*) own_folder=yes own_config=yes ;;
        --config-name=*/* | --config-name=*.yaml | --config-name=*.yml) own_config=yes ;;
    esac
done

for word in "${words[@]}"; do
    key="${word%%=*}" value="${word#*=}"
    case "$word" in
        --config-dir=*) arguments+=(--config-dir); place_file "" "$value" config_dir; continue ;;
        --config-name=*) place_config "$value"; continue ;;
    esac
    bare="${key##*+}" value="$(plain "$value")"
    case "$bare" in
        scenario.prompts_file | scenario.dataset_dir)
            if [ -n "$value" ]; then
                place_file "$key=" "$value" samples
                continue
            fi
            ;;
        backend.model | backend.processor)
            if [ -n "$value" ] && [ -d "$value" ]; then
                place_file "$key=" "$value" "${bare#backend.}"
                continue
            fi
            ;;
        backend.device) device="$value" ;;
        backend | backend.name | backend.type) backend="${value:-$backend}" ;;
        backend.endpoint) endpoint="${value:-$endpoint}" ;;
    esac
    arguments+=("$word")
done
# A config file wins over the variable. What it says is not known here, so the backend stays empty,
# and the container is given what any backend needs.
if [ -z "$backend" ] && [ "$own_config" = no ]; then backend="${BENCHMARK_BACKEND:-pytorch}"; fi

# Gives root's results folder to the user inside, if it is empty or holds runs alone, by the names
# of benchmark_core/contract.py: any other is not this script's. No link is followed.
give_results() (
    shopt -s nullglob dotglob
    given=("$results")
    for path in "$results"/*; do
        case "${path##*/}" in
            launch.json | run_spec.json | benchmark_report.json | outcome.json | process.json | \
                job.json | lease.json | benchmark_results.csv | reasoning_tokens.csv | power_trace.csv | \
                power_trace.svg | power_trace.png | GPU_ENERGY_WH.txt | \
                GPU_ENERGY_SUMMARY.json | emissions | optimum | attempts) given+=("$path") ;;
            *) return ;;
        esac
    done
    # What the user inside may not write all the same, the core tells.
    chown -h -- "$user:$group" "${given[@]}" 2> /dev/null || true
)

# The user inside. Root's runs belong to whom root acts for, or who owns the results already.
user="$(id -u)" group="$(id -g)"
case "$engine" in
    *name=rootless*) user=0 group=0 ;;
    *)
        if [ "$user" -eq 0 ]; then
            user="$(stat -c %u -- "$results")" group="$(stat -c %g -- "$results")"
            if [ "$user" -eq 0 ]; then
                user="${SUDO_UID:-10001}" group="${SUDO_GID:-10001}"
                give_results
            fi
        fi
        ;;
esac

hub="${HF_HUB_CACHE:-$cache/hub}" datasets="${HF_DATASETS_CACHE:-$cache/datasets}"
if [ "$backend" != simulated ]; then
    for folder in "$hub" "$datasets"; do
        if [ ! -d "$folder" ]; then
            mkdir -p -- "$folder" || refuse "$folder cannot be made; set HF_HOME to a folder of yours" 3
            if [ "$(id -u)" -eq 0 ]; then chown -- "$user:$group" "$folder"; fi
        elif [ "$user" -ne 0 ] && [ "$(id -u)" -eq 0 ] && [ "$(stat -c %u -- "$folder")" -ne "$user" ]; then
            warn "$folder is not user $user's, so only what is there already can be used; chown -R $user it"
        fi
    done
    add_mount "$(absolute "$hub")" /home/user/.cache/huggingface/hub ""
    add_mount "$(absolute "$datasets")" /home/user/.cache/huggingface/datasets ""
fi
add_mount "$results" /results ""

if [ -n "$token" ] && [ "$offline" = no ] && [ "$backend" != simulated ]; then
    write_token "$user:$group"
    add_mount "$token_file" /run/secrets/hf_token ",readonly"
    options+=(--env HF_TOKEN_PATH=/run/secrets/hf_token)
fi

# By the same signs as the batch runner's.
offers_gpus() {
    local hook
    case " $engine" in *" nvidia "*) return 0 ;; esac
    for hook in nvidia-container-runtime-hook nvidia-container-runtime nvidia-ctk; do
        if command -v "$hook" > /dev/null; then return 0; fi
    done
    return 1
}

# Whether the run wants GPUs may stand in a config file, so where there are none the core refuses.
gpus=all
case "$device $backend" in
    cpu\ * | *\ vllm | *\ simulated) gpus=none ;;
    *) offers_gpus || gpus=missing ;;
esac
if [ "$gpus" = all ]; then
    options+=(--gpus all)
else
    options+=(--env NVIDIA_VISIBLE_DEVICES=void)
fi

on_this_machine='^https?://(localhost|127\.[0-9.]+|0\.0\.0\.0|\[::1\])(:[0-9]+)?(/|$)'
case "$backend" in
    vllm | "") if [[ "$endpoint" =~ $on_this_machine ]]; then options+=(--network host); fi ;;
    simulated) options+=(--network none) ;;
    *) if [ "$offline" = yes ]; then options+=(--network none); fi ;;
esac

# By name alone, so that no value stands among the arguments of docker.
for name in BENCHMARK_BACKEND VLLM_ENDPOINT DEFAULT_NUM_SAMPLES HF_HUB_OFFLINE HF_ENDPOINT \
    HF_HUB_DISABLE_TELEMETRY HF_HUB_DISABLE_XET HF_HUB_DOWNLOAD_TIMEOUT HF_HUB_ETAG_TIMEOUT \
    CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER \
    HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
    if [ -n "${!name+set}" ]; then options+=(--env "$name"); fi
done

# ------------------------------------------------------------------ the container

scratch_folder="exec,mode=0700,uid=$user,gid=$group"
container="ai-energy-score-direct-$$-$RANDOM$RANDOM"
code=0
run docker run --rm --pull never --name "$container" \
    --user "$user:$group" --init --read-only \
    --cap-drop ALL --security-opt no-new-privileges --pids-limit 8192 --shm-size 1g \
    --tmpfs /tmp:exec,mode=1777 \
    --tmpfs "/home/user:$scratch_folder" \
    --tmpfs "/home/user/.cache:$scratch_folder" \
    --tmpfs "/home/user/.cache/huggingface:$scratch_folder" \
    --env HOME=/home/user --env USER=user --env LOGNAME=user \
    --env RESULTS_DIR=/results --env HF_XET_CHUNK_CACHE_SIZE_BYTES=0 \
    ${options[@]+"${options[@]}"} \
    "$image" "${arguments[@]}" || code=$?
container=""
if [ "$code" -ge 125 ] && [ "$code" -le 127 ]; then
    refuse "the engine could not start the container; its message is above" 3
fi
if [ "$code" -eq 3 ] && [ "$gpus" = missing ]; then
    warn "the container got no GPU, since the engine has no NVIDIA runtime
Install the NVIDIA Container Toolkit and restart the engine, or add backend.device=cpu."
fi
exit "$code"
