#!/usr/bin/env bash
# usage: docker-run.sh TRAINING DATA BASELINE REPORT
# Learns a baseline from TRAINING where BASELINE is empty, then compares DATA with it and writes into REPORT. All four are
# folders; files belong to whoever calls this. Exit code 1: there are violations. IMAGE names the image.
set -euo pipefail
image=${IMAGE:-model-monitor-analyzer}
training=$(realpath "$1") data=$(realpath "$2")
mkdir -p "$3" "$4"
baseline=$(realpath "$3") report=$(realpath "$4")

analyze() {
    docker run --rm --network none --read-only --tmpfs /tmp --user "$(id -u):$(id -g)" \
        --volume "$training:/training:ro" --volume "$data:/data:ro" \
        --volume "$baseline:/baseline" --volume "$report:/report" "$image" "$@"
}

if [ ! -e "$baseline/constraints.json" ]; then
    analyze baseline /training --output /baseline
fi
analyze monitor /data --baseline /baseline --output /report --fail-on-violations
