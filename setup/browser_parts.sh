#!/bin/sh
# setup/browser_parts.sh serve|test|chromium: bring what pages load; for `test` also what tests of pages need;
# for `chromium` a browser too. From npm, by the versions and hashes of package-lock.json, running no package's scripts.
#
# What the service serves is copied into scheduler/static/vendor. A machine without npm gets Node from PyPI, into .venv.
set -eu
cd "$(dirname "$0")/.."
. setup/node.sh

case "${1:-}" in
    serve) omitted="--omit=dev --omit=optional" enough="serve test chromium" ;;
    test) omitted="--omit=optional" enough="test chromium" ;;
    chromium) omitted="" enough="chromium" ;;
    *) echo "usage: $0 serve|test|chromium" >&2; exit 2 ;;
esac

stamp=node_modules/.installed
lock=$(cksum <package-lock.json)
up_to_date=no
for had in $enough; do
    [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$had $lock" ] || up_to_date=yes
done

if [ "$up_to_date" = no ]; then
    with_node
    echo "setup: installing the browser parts ($1)" >&2
    # shellcheck disable=SC2086 - the options are meant to be split
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error $omitted >/dev/null || {
        echo "setup: npm could not install what package-lock.json names" >&2
        exit 1
    }
    echo "$1 $lock" >"$stamp"
fi

vendor=scheduler/static/vendor
mkdir -p "$vendor"
for part in @picocss/pico/css/pico.min.css htmx.org/dist/htmx.min.js \
    @event-calendar/build/dist/event-calendar.min.css @event-calendar/build/dist/event-calendar.min.js \
    dejavu-fonts-ttf/ttf/DejaVuSans.ttf dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf; do
    cmp -s "node_modules/$part" "$vendor/$(basename "$part")" || cp "node_modules/$part" "$vendor/"
done
