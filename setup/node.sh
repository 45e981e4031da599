# Sourced: puts a Node that will do first on the PATH, from PyPI into .venv where the machine has none.

with_node() {
    PATH="$PATH:$PWD/.venv/bin" # what an earlier run brought
    if ! command -v npm >/dev/null || ! node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null
    then
        sh setup/python.sh setup/requirements-node.lock
        PATH="$PWD/.venv/bin:$PATH"
    fi
    export PATH
}
