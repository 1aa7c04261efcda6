#!/usr/bin/env bash
# Fuzzes what HTTPServer reads from strangers and Connectors from vendors: libFuzzer and the address sanitizer against the promises in Properties/ and ReaderProperties/.
#
#   fuzz.sh run SECONDS             every target for that long, two at a time; fails on the first finding
#   fuzz.sh replay TARGET FILE...   those inputs only
#   fuzz.sh merge TARGET            adds to the seeds what the last runs found to reach new code, smallest inputs first
#
# A finding is committed: copy the input to Seeds/TARGET/ under a name that says what it is, and the ordinary tests replay it.
set -euo pipefail
from=$PWD
cd "$(dirname "$0")"

targets=(request-head chunked-body form-and-query cookies header-values multipart-form json-path record-reader csv definition
    handed-in-usage)
declare -A longest=([request-head]=1024 [chunked-body]=1024 [form-and-query]=256 [cookies]=256 [header-values]=96
    [multipart-form]=512 [json-path]=256 [record-reader]=512 [csv]=256 [definition]=2048 [handed-in-usage]=512)

work="$(cd ../.. && pwd)/.build-fuzz"
fuzzer="$work/release/fuzz"

# Left on, Swift's own crash reporter holds a dying process and its pipes.
export SWIFT_BACKTRACE=enable=no
# Freed memory kept back to catch late uses: 256 MB by default, most of it idle.
export ASAN_OPTIONS=quarantine_size_mb=32

build() {
    # `--sanitize fuzzer` leaves `main` to libFuzzer. Both sanitizers are named once more in one option, which comes last and wins: of
    # two `--sanitize` only one reaches the compiler, now this, now that. Dead-code removal would drop the coverage counters, and
    # with them the fuzzer's guide. lld, because gold warns of every symbol of the address sanitizer.
    swift build --scratch-path "$work" -c release --disable-dead-strip --product fuzz --sanitize fuzzer \
        -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing -Xswiftc -use-ld=lld
}

fuzz() {
    local target=$1 seconds=$2
    local log="$work/logs/$target.log"
    mkdir -p "$work/corpus/$target" "$work/logs" "$work/findings"
    FUZZ_TARGET=$target "$fuzzer" "$work/corpus/$target" "Seeds/$target" -dict="Dictionaries/$target.dict" \
        -max_len="${longest[$target]}" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$work/findings/$target-" >"$log" 2>&1 &
    local child=$!
    # Another target has found something, or the run was given up.
    trap 'kill "$child"; exit 1' TERM
    if wait "$child"; then
        if grep -q 'no interesting inputs' "$log"; then
            echo "$target: the build counts no coverage, so the fuzzer is blind" >&2
            return 1
        fi
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs without a finding; $(
            sed -n 's/^#[0-9]*\tDONE *//p' "$log")"
        return
    fi
    local input
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
    {
        echo "$target: a finding"
        grep -E 'Fatal error|ERROR:|SUMMARY' "$log" || true
        echo "  log     $log"
        if [[ -n $input ]]; then
            echo "  input   $input"
            echo "  replay  Tests/Fuzz/fuzz.sh replay $target $input"
            echo "  commit  cp $input Tests/Fuzz/Seeds/$target/WHAT-IT-IS"
        fi
    } >&2
    return 1
}

run() {
    local seconds=$1 failed=0 target
    trap 'kill $(jobs -rp) 2>/dev/null || true' EXIT
    for target in "${targets[@]}"; do
        if (($(jobs -rp | wc -l) >= 2)); then wait -n || { failed=1; break; }; fi
        echo "$target: fuzzing for $seconds s"
        fuzz "$target" "$seconds" &
    done
    while ((!failed)) && [[ -n $(jobs -p) ]]; do wait -n || failed=1; done
    return $failed
}

replay() {
    local target=$1
    shift
    cd "$from" && FUZZ_TARGET=$target "$fuzzer" -timeout=10 "$@"
}

merge() {
    local target=$1 new="$work/merge/$1" input name
    rm -rf "$new" && mkdir -p "$new"
    cp "Seeds/$target"/* "$new"
    # Counting edges, not how often each is passed: a few inputs for each piece of code instead of thousands.
    FUZZ_TARGET=$target "$fuzzer" -set_cover_merge=1 -use_counters=0 -max_len="${longest[$target]}" "$new" "$work/corpus/$target"
    for input in "$new"/*; do
        name=${input##*/}
        [[ -e Seeds/$target/$name ]] || cp "$input" "Seeds/$target/found-${name:0:8}"
    done
}

case "${1:-}" in
    run) build && run "${2:?seconds}" ;;
    replay) build && replay "${2:?target}" "${@:3}" ;;
    merge) build && merge "${2:?target}" ;;
    *) sed -n '2,8s/^# \{0,1\}//p' fuzz.sh >&2; exit 2 ;;
esac
