# Shell functions that ./start and ./test share: a Python environment in .venv, made from the lock file.
# shellcheck shell=bash

readonly python=.venv/bin/python

say() { printf '%s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs apt-get as root, or through sudo where that asks no password.
apt_install() {
  local as_root=()
  have apt-get || return 1
  if [ "$(id -u)" -ne 0 ]; then
    have sudo && sudo -n true 2>/dev/null || return 1
    as_root=(sudo -n)
  fi
  say "Installing from the system's packages: $*"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11; do
    if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
      command -v "$name"
      return
    fi
  done
  fail "Python 3.11 or later is missing. On Debian or Ubuntu: sudo apt-get install python3 python3-venv"
}

make_venv() {
  local base
  if [ -x "$python" ] && "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    return
  fi
  base=$(find_python)
  say "Making .venv with $base"
  if have uv; then
    uv venv --quiet --clear --python "$base" .venv
    return
  fi
  if ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
    apt_install "$(basename "$(readlink -f "$base")")-venv" || apt_install python3-venv ||
      fail "Python's venv module is missing. Run: sudo apt-get install python3-venv, then this command again."
  fi
  rm -rf .venv
  "$base" -m venv .venv
}

find_uv() {
  if have uv; then
    uv=uv
  else
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip --upgrade >/dev/null
    "$python" -c 'import uv' 2>/dev/null || "$python" -m pip install --quiet --disable-pip-version-check uv
    uv=.venv/bin/uv
  fi
}
