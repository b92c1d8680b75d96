#!/bin/sh
# usage: monitor-hour.sh CAPTURES BASELINE REPORTS
# Compares the last whole hour (UTC) of captures with a baseline. CAPTURES has a folder for each hour, as captured traffic
# lies in (.../2025/02/16/11); the report goes to the same folder of REPORTS. Exit code 1: there are violations.
set -eu
captures=$1 baseline=$2 reports=$3
hour=$(date -u -d "${AT:-now} - 1 hour" +%Y/%m/%d/%H)
mkdir -p "$reports/$hour"

if [ ! -d "$captures/$hour" ]; then
    echo "No requests were captured in $hour." >&2
    exit 0
fi
# Two runs over one hour would do the same work twice.
exec flock -n "$reports/$hour/.lock" "${ANALYZER:-analyzer}" monitor "$captures/$hour" \
    --baseline "$baseline" --output "$reports/$hour" --fail-on-violations
