#!/usr/bin/env bash
# Installs the servers and tools for tests that Debian packages itself: an old
# registry (2.8, the line most self-hosted registries still run), skopeo as a
# second opinion on what can be pulled, etcd for the Kubernetes API server, wrk for
# load, Icinga 2 and Alertmanager, which maintenance windows are told to, and Redis,
# in which registries cache what they know of blobs.
#
# Promises: asks nothing, starts no service, and fails only when what was asked
# for is missing at the end. Without root or apt-get it changes nothing and says
# what to install by hand.
set -euo pipefail

# package:command, because the two differ and only the command decides whether a test can run.
wanted='docker-registry:docker-registry skopeo:skopeo etcd-server:etcd wrk:wrk icinga2-bin:icinga2 prometheus-alertmanager:prometheus-alertmanager redis-server:redis-server spin:spin strace:strace'

missing_packages() {
  local pair
  for pair in $wanted; do
    command -v "${pair#*:}" >/dev/null 2>&1 || printf '%s ' "${pair%%:*}"
  done
}

missing=$(missing_packages)
if [ -z "$missing" ]; then
  echo 'install-debian: everything is already installed'
  exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
  echo "install-debian: there is no apt-get here; missing: $missing" >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo 'install-debian: not root, so nothing was installed. Run:' >&2
  echo "sudo apt-get install --no-install-recommends $missing" >&2
  exit 1
fi

# Debian starts a daemon as soon as it is installed. Tests start their own on free
# ports, and a registry or etcd on the default port would only be in the way, so
# for the length of this script every start is forbidden (101, see invoke-rc.d(8)).
# A policy that is already there is the machine owner's and stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi

log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! apt-get update -qq >"$log" 2>&1; then
  # A stale list may still be good enough; the install below decides.
  echo 'install-debian: apt-get update failed, trying with the lists at hand' >&2
fi
for package in $missing; do
  # One at a time: a package this release does not have must not cost the others.
  # Its lock is waited for, because another install may be under way.
  if ! apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$package" >>"$log" 2>&1; then
    echo "install-debian: could not install $package" >&2
  fi
done

missing=$(missing_packages)
if [ -n "$missing" ]; then
  tail -n 20 "$log" >&2
  echo "install-debian: still missing: $missing" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
echo 'install-debian: installed'
