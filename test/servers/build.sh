#!/usr/bin/env bash
# Builds the real servers and tools that tests run against, from source by Go
# (Azurite from npm, moto by pip), into a cache folder outside the repository.
#
#   build.sh                    everything the tests can use
#   build.sh --bench            and what only benchmarks compare with
#   build.sh zot helm           these only
#   build.sh --list             says what is there, builds nothing
#
# Promises: what is already built is not built again; each build stands alone,
# so one that fails costs the others nothing; a binary appears under its name
# only when it is whole. Without names, what cannot be built here is reported and
# left out, as the tests that need it will be; a name that was given must be there
# at the end, or the exit code is 1.
#
# Refuses: to install anything into the system (install-debian.sh does that).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${WINNOW_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/winnow-test-servers}

# Short builds first: an interrupted run should leave as much as possible.
for_tests='crane-registry registry3 helm etcd kube-apiserver zot fake-gcs-server azurite moto versitygw gitea'
for_bench='regctl regbot'

version_of() {
  sed -n "s/^$1=//p" "$here/versions.env"
}

# Upstream's own modules, at a fixed version, with the dependencies they fixed.
go_install() { # package@version, binary's name, destination, further go flags
  local package=$1 name=$2 out=$3 bin
  shift 3
  bin=$(mktemp -d "$cache/.build.XXXXXX")
  # -p and nice: a build of the Kubernetes API server must leave room for whoever else works here.
  if ! GOBIN="$bin" CGO_ENABLED=0 nice -n 10 go install -p 2 -trimpath "$@" "$package"; then
    rm -rf "$bin"
    return 1
  fi
  mv "$bin/$name" "$out"
  rm -rf "$bin"
}

# Modules of ours beside this script, for upstreams that `go install` refuses.
go_build() { # folder, package, destination, further go flags
  local folder=$1 package=$2 out=$3
  shift 3
  (cd "$here/$folder" && CGO_ENABLED=0 nice -n 10 go build -p 2 -trimpath -o "$out.part" "$@" "$package") || return 1
  mv "$out.part" "$out"
}

# The version a module file of ours requires must be the one the binary is named after.
check_required() { # folder, module, version
  grep -q -F "$2 v$3" "$here/$1/go.mod" && return 0
  echo "versions.env says $3, but $1/go.mod does not require $2 v$3" >&2
  return 1
}

build_registry3() {
  go_install "github.com/distribution/distribution/v3/cmd/registry@v$1" registry "$2" \
    -ldflags "-s -w -X github.com/distribution/distribution/v3/version.version=v$1"
}

build_helm() {
  go_install "helm.sh/helm/v${1%%.*}/cmd/helm@v$1" helm "$2" \
    -ldflags "-s -w -X helm.sh/helm/v${1%%.*}/internal/version.version=v$1"
}

build_etcd() {
  check_required etcd go.etcd.io/etcd/server/v3 "$1" &&
    go_build etcd go.etcd.io/etcd/server/v3 "$2" -ldflags '-s -w'
}

build_kube_apiserver() {
  # Unset, the version is v0.0.0-master, which is below every minimum that the
  # server checks its own features and its emulated version against.
  local flags="-s -w" package
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags="$flags -X $package.gitVersion=v$1 -X $package.gitTreeState=clean"
    flags="$flags -X $package.gitMajor=${1%%.*} -X $package.gitMinor=$(echo "$1" | cut -d. -f2)"
  done
  check_required kube-apiserver k8s.io/kubernetes "$1" &&
    go_build kube-apiserver . "$2" -ldflags "$flags"
}

build_crane_registry() {
  check_required crane-registry github.com/google/go-containerregistry "$1" &&
    go_build crane-registry . "$2" -ldflags '-s -w'
}

build_zot() {
  # search needs no build tag for the UI; jsonv2 is not optional in zot's own code.
  # Not every module proxy serves zot; where none does, tests that need it are skipped by name.
  local package="zotregistry.dev/zot/v2/cmd/zot@v$1"
  GOEXPERIMENT=jsonv2 go_install "$package" zot "$2" -tags search,mgmt,containers_image_openpgp -ldflags '-s -w' && return 0
  echo 'zot with search does not build; trying without' >&2
  GOEXPERIMENT=jsonv2 go_install "$package" zot "$2" -tags containers_image_openpgp -ldflags '-s -w'
}

build_fake_gcs_server() {
  go_install "github.com/fsouza/fake-gcs-server@v$1" fake-gcs-server "$2" -ldflags '-s -w'
}

# From npm, at the versions its lockfile beside this script fixes. Installed beside the binaries, never in the checkout:
# what stands under the binary's name is a line of shell that starts it.
build_azurite() { # version, destination
  local home="$cache/azurite-$1.npm"
  grep -q -F "\"azurite\": \"$1\"" "$here/azurite/package.json" ||
    { echo "versions.env says $1, but azurite/package.json does not require azurite $1" >&2 && return 1; }
  mkdir -p "$home" &&
    cp "$here/azurite/package.json" "$here/azurite/package-lock.json" "$here/azurite/.npmrc" "$home/" &&
    (cd "$home" && AZURE_STORAGE_NO_TELEMETRY=1 nice -n 10 npm ci --ignore-scripts) || return 1
  printf '#!/bin/sh\nexec node "%s/node_modules/azurite/dist/src/blob/main.js" "$@"\n' "$home" >"$2.part"
  chmod +x "$2.part" && mv "$2.part" "$2"
}

# By pip, at the versions that requirements.txt beside this script fixes, in an environment of its own.
build_moto() { # version, destination
  local home="$cache/moto-$1.venv"
  grep -q -x -F "moto==$1" "$here/moto/requirements.txt" ||
    { echo "versions.env says $1, but moto/requirements.txt does not require moto $1" >&2 && return 1; }
  python3 -m venv "$home" &&
    nice -n 10 "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/moto/requirements.txt" || return 1
  printf '#!/bin/sh\nexec "%s/bin/moto_server" "$@"\n' "$home" >"$2.part"
  chmod +x "$2.part" && mv "$2.part" "$2"
}

# With SQLite, which is C. Its templates and translations are files, kept beside the binary; its web pages are not built.
build_gitea() { # version, destination
  local source
  check_required gitea code.gitea.io/gitea "$1" &&
    source=$(cd "$here/gitea" && go list -m -f '{{.Dir}}' code.gitea.io/gitea) &&
    (cd "$here/gitea" && CGO_ENABLED=1 nice -n 10 go build -p 2 -trimpath -tags 'sqlite sqlite_unlock_notify' \
      -ldflags '-s -w' -o "$2.part" code.gitea.io/gitea) || return 1
  mkdir -p "$2.static" && cp -r "$source/options" "$source/templates" "$source/public" "$2.static/" &&
    chmod -R u+w "$2.static" && mv "$2.part" "$2"
}

build_versitygw() {
  go_install "github.com/versity/versitygw/cmd/versitygw@v$1" versitygw "$2" -ldflags "-s -w -X main.Version=v$1"
}

build_regctl() {
  go_install "github.com/regclient/regclient/cmd/regctl@v$1" regctl "$2" -ldflags '-s -w'
}

build_regbot() {
  go_install "github.com/regclient/regclient/cmd/regbot@v$1" regbot "$2" -ldflags '-s -w'
}

names=''
list_only=false
bench=false
for argument in "$@"; do
  case $argument in
    --bench) bench=true ;;
    --list) list_only=true ;;
    -*)
      echo "build.sh: unknown option $argument" >&2
      exit 2
      ;;
    *)
      if [ -z "$(version_of "$argument")" ]; then
        echo "build.sh: nothing is called $argument; versions.env has the names" >&2
        exit 2
      fi
      names="$names $argument"
      ;;
  esac
done
must=false
[ -z "$names" ] || must=true
[ "$must" = true ] || names=$for_tests
[ "$bench" = false ] || names="$names $for_bench"

mkdir -p "$cache/logs"
if [ "$list_only" = false ] && ! command -v go >/dev/null 2>&1; then
  echo 'build.sh: there is no go command here, so nothing can be built' >&2
  list_only=true
fi

if [ "$list_only" = false ]; then
  # One build at a time per cache: two of them would only take each other's processors.
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$cache/.lock"
    flock 9
  fi
  for name in $names; do
    version=$(version_of "$name")
    out="$cache/$name-$version"
    [ ! -x "$out" ] || continue
    log="$cache/logs/$name-$version.log"
    echo "build.sh: building $name $version"
    started=$(date +%s)
    if "build_$(echo "$name" | tr - _)" "$version" "$out" >"$log" 2>&1; then
      echo "build.sh: built $name $version in $(($(date +%s) - started)) s"
    else
      echo "build.sh: $name $version did not build:" >&2
      tail -n 5 "$log" >&2
    fi
  done
fi

echo
failed=false
for name in $names; do
  version=$(version_of "$name")
  if [ -x "$cache/$name-$version" ]; then
    printf '  there    %-16s %s\n' "$name" "$version"
  else
    printf '  missing  %-16s %s\n' "$name" "$version"
    failed=$must
  fi
done
[ "$failed" = false ]
