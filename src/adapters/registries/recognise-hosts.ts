/** Registries that are known by their host name: nobody else answers there, so nothing need be asked. */
import type { RegistryKind } from './kinds.ts'

const hosts: readonly (readonly [RegExp, RegistryKind])[] = [
  [/\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)$/, 'ecr'],
  [/^public\.ecr\.aws$/, 'ecr'],
  [/(^|\.)gcr\.io$|-docker\.pkg\.dev$/, 'artifact-registry'],
  [/\.azurecr\.(io|cn|us)$/, 'acr'],
  [/(^|\.)docker\.io$|^hub\.docker\.com$/, 'docker-hub'],
  [/^ghcr\.io$/, 'ghcr'],
  [/^registry\.gitlab\.com$/, 'gitlab'],
  [/^quay\.io$/, 'quay'],
  [/\.jfrog\.io$/, 'artifactory'],
]

/** @param host without a port, in any case */
export function kindOfHost(host: string): RegistryKind | undefined {
  return hosts.find(([pattern]) => pattern.test(host.toLowerCase()))?.[1]
}
