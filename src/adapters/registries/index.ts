/**
 * The one table of registry drivers; adding a driver is one line here. A driver is loaded when a registry of its kind is
 * opened, because some bring their vendor's library.
 */
import type { RegistryDriver } from './driver.ts'
import type { RegistryKind } from './kinds.ts'

export type { RegistryKind } from './kinds.ts'

export type LoadDriver = () => Promise<RegistryDriver>

export const registryDrivers: Readonly<Record<RegistryKind, LoadDriver>> = {
  distribution: async () => (await import('./distribution/driver.ts')).driver,
  zot: async () => (await import('./zot/driver.ts')).driver,
  generic: async () => (await import('./oci/driver.ts')).driver,
  'artifact-registry': async () => (await import('./artifact-registry/driver.ts')).driver,
  ecr: async () => (await import('./ecr/driver.ts')).driver,
  acr: async () => (await import('./acr/driver.ts')).driver,
  'docker-hub': async () => (await import('./docker-hub/driver.ts')).driver,
  ghcr: async () => (await import('./ghcr/driver.ts')).driver,
  gitlab: async () => (await import('./gitlab/driver.ts')).driver,
  harbor: async () => (await import('./harbor/driver.ts')).driver,
  quay: async () => (await import('./quay/driver.ts')).driver,
  artifactory: async () => (await import('./artifactory/driver.ts')).driver,
  nexus: async () => (await import('./nexus/driver.ts')).driver,
  gitea: async () => (await import('./gitea/driver.ts')).driver,
  trow: async () => (await import('./trow/driver.ts')).driver,
}
