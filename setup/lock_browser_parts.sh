#!/bin/sh
# setup/lock_browser_parts.sh: write package-lock.json anew from package.json, without addresses of registries or funds.
set -eu
cd "$(dirname "$0")/.."
. setup/node.sh

with_node
npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error
node -e 'const fs = require("fs"), lock = JSON.parse(fs.readFileSync("package-lock.json"));
    for (const part of Object.values(lock.packages)) delete part.funding;
    fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n")'
