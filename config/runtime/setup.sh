# Sourced by the commands of bin/. `prepare runtime` or `prepare dev` brings this checkout to the state its
# lock files describe; when it is already there, that costs a few comparisons of files. Speaks on stderr only.

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
PYTHON="$ROOT/.venv/bin/python"

say() { printf '%s\n' "$*" >&2; }

is_prepared() {
    [ -x "$PYTHON" ] && [ -e "$ROOT/.venv/.libraries-$1" ] &&
        cmp -s "$ROOT/$(lock_file "$1")" "$ROOT/.venv/.$1.lock" &&
        cmp -s "$ROOT/package-lock.json" "$ROOT/static/vendor/.package-lock.json" &&
        [ ! "$ROOT/config/runtime/assets.py" -nt "$ROOT/static/vendor/.package-lock.json" ] &&
        translations_are_compiled
}

lock_file() {
    if [ "$1" = dev ]; then echo requirements-dev.lock; else echo requirements.lock; fi
}

translations_are_compiled() {
    for catalogue in "$ROOT"/locale/*/LC_MESSAGES/*.po; do
        [ -e "$catalogue" ] || continue
        if [ ! -e "${catalogue%.po}.mo" ] || [ "$catalogue" -nt "${catalogue%.po}.mo" ]; then return 1; fi
    done
}

prepare() {
    if is_prepared "$1"; then return; fi
    if ! mkdir -p "$ROOT/build" 2>/dev/null || [ ! -w "$ROOT" ]; then
        say "Le dossier $ROOT n'est pas accessible en écriture à $(id -un) : clonez le dépôt dans un dossier à vous."
        exit 1
    fi
    exec 9>"$ROOT/build/setup.lock"
    if command -v flock >/dev/null 2>&1 && ! flock -n 9; then
        say "Une autre commande prépare l'installation ; elle est attendue."
        flock 9
    fi
    if ! is_prepared "$1"; then
        install_debian_packages "$1"
        make_environment "$1"
        (cd "$ROOT" && "$PYTHON" -m config.runtime.assets 9>&- >&2) || exit 1
        touch "$ROOT/.venv/.libraries-$1"
    fi
    exec 9>&-
}

# --- Debian packages ----------------------------------------------------------------------------------------

find_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

has_library() {
    for folder in /usr/lib/*/ /usr/lib/ /usr/lib64/ /lib/*/ /usr/local/lib/; do
        if [ -e "$folder$1" ]; then return 0; fi
    done
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -qF "$1"
}

missing_packages() {
    if [ ! -x "$PYTHON" ]; then
        python=$(find_python)
        if [ -z "$python" ]; then
            echo python3 python3-venv
        elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            echo python3-venv
        fi
    fi
    has_library libpango-1.0.so.0 || echo libpango-1.0-0
    has_library libpangoft2-1.0.so.0 || echo libpangoft2-1.0-0
    has_library libharfbuzz-subset.so.0 || echo libharfbuzz-subset0
    if [ "$1" = dev ]; then
        command -v chromium >/dev/null 2>&1 || echo chromium
        command -v pdftoppm >/dev/null 2>&1 || echo poppler-utils
        command -v curl >/dev/null 2>&1 || echo curl
    fi
}

install_debian_packages() {
    missing=$(missing_packages "$1" | tr '\n' ' ')
    missing=${missing% }
    if [ -z "$missing" ]; then return; fi
    as_root=''
    if [ "$(id -u)" != 0 ]; then
        if sudo -n true 2>/dev/null; then as_root='sudo -n'; else as_root=none; fi
    fi
    if [ "$as_root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
        say "Il manque des paquets du système. Installez-les, puis relancez la commande :"
        say "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing"
        exit 3
    fi
    say "Installation des paquets Debian : $missing"
    # shellcheck disable=SC2086  # both are lists of words
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null 9>&- >&2 ||
        ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
            </dev/null 9>&- >&2; then
        say "L'installation des paquets Debian a échoué. À la main :"
        say "    apt-get update && apt-get install -y --no-install-recommends $missing"
        exit 3
    fi
}

# --- Python environment -------------------------------------------------------------------------------------

make_environment() {
    if ! "$PYTHON" -c 'import pip' 2>/dev/null; then
        python=$(find_python)
        if [ -z "$python" ]; then
            say "Python 3.11 ou plus récent est nécessaire."
            exit 3
        fi
        rm -rf "$ROOT/.venv"
        "$python" -m venv "$ROOT/.venv" 9>&- >&2 || exit 1
    fi
    install_lock runtime
    if [ "$1" = dev ]; then install_lock dev; fi
}

install_lock() {
    lock="$ROOT/$(lock_file "$1")"
    if cmp -s "$lock" "$ROOT/.venv/.$1.lock"; then return; fi
    if [ "$1" = dev ]; then
        say "Installation des outils de développement (une minute la première fois)…"
    else
        say "Installation des bibliothèques Python (une demi-minute la première fois)…"
    fi
    if ! "$PYTHON" -m pip install --quiet --no-input --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: -r "$lock" </dev/null 9>&- >&2; then
        say "L'installation des bibliothèques Python a échoué (réseau, miroir ?) ; relancez la commande."
        exit 1
    fi
    cp "$lock" "$ROOT/.venv/.$1.lock"
}

# Runs a module of the project, from any folder.
run_module() {
    PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}" exec "$PYTHON" -P -m "$@"
}
