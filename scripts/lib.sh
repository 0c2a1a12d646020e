# Sourced by the other scripts: where things are, and a Python that has what they need.
# shellcheck shell=bash
set -euo pipefail

VC_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VC_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/virtualcluster
export VC_ROOT VC_CACHE
# Not the user's own: lab/gocache.py keeps this one small.
export GOCACHE=${GOCACHE:-$VC_CACHE/go}

# vc_die MESSAGE: one line of cause and cure, then the end.
vc_die() {
  echo "error: $*" >&2
  exit 1
}

# vc_python [LOCKFILE…]: makes the virtual environment of requirements/dev.lock and the given ones if
# it is not there, and puts it first on PATH.
vc_python() {
  vc_environment requirements/dev.lock "$@"
  PATH=$VC_ENVIRONMENT/bin:$PATH
  # The repository's packages and nothing of the directory that the caller happens to be in.
  export PATH VIRTUAL_ENV=$VC_ENVIRONMENT PYTHONPATH=$VC_ROOT:$VC_ROOT/cli PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1
}

# vc_tools NAME: makes the virtual environment of requirements/NAME.lock alone, for programs that go together with
# nothing else; VC_NAME (in capitals) says where it is.
vc_tools() {
  vc_environment "requirements/$1.lock"
  export "VC_${1^^}=$VC_ENVIRONMENT"
}

# vc_environment LOCKFILE…: makes a virtual environment if it is not there; VC_ENVIRONMENT says where it is. Its key is
# the lock files and the Python that it was made with. Nothing is installed whose hash is not in them, and nothing is
# built, which would take tools that are in no lock file.
vc_environment() {
  local base key venv lock half locks=("${@/#/$VC_ROOT/}")
  base=$(command -v python3) || vc_die "no python3: install Python 3.11 or newer"
  "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    vc_die "$("$base" -V) is too old: Python 3.11 or newer is needed"
  key=$({ cat "${locks[@]}" && "$base" -VV; } | sha256sum | cut -c1-20)
  venv=$VC_CACHE/venv-$key lock=$VC_CACHE/locks/venv-$key
  if [ ! -e "$venv/done" ]; then
    mkdir -p "$VC_CACHE/locks"
    exec 9>"$lock"
    flock -n 9 || { echo "another run makes the Python environment; waiting for it …" >&2 && flock 9; }
    if [ ! -e "$venv/done" ]; then
      echo "making the Python environment (once per lock file) …" >&2
      half=$venv # scripts in an environment name their own path, so it cannot be renamed later
      rm -rf "$half"
      if ! "$base" -m venv "$half" >/dev/null 2>&1; then
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
          vc_die "python3 cannot make environments; as root: apt-get install python3-venv"
        { apt-get install -y -qq python3-venv || { apt-get update -qq && apt-get install -y -qq python3-venv; }; } >&2
        "$base" -m venv "$half"
      fi
      "$half/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary=:all: "${locks[@]/#/--requirement=}" >&2
      touch "$venv/done"
    fi
    exec 9>&-
  fi
  VC_ENVIRONMENT=$venv
}
