/**
 * The one table of registry drivers; adding a driver is one line here.
 *
 * A reader and a writer are made apart, so that whoever plans is never handed anything that can delete.
 */
import type { ReadableRegistry } from '../../ports/readable-registry.ts'
import { createDistributionReader, createDistributionWriter } from './distribution/driver.ts'
import { createOciReader, type OciReaderSettings } from './oci/reader.ts'
import { genericTraits, zotTraits } from './oci/traits.ts'
import { createOciWriter, type OciWriter, type OciWriterSettings } from './oci/writer.ts'
import { createReadOnlyWriter } from './read-only-writer.ts'

/** The kinds that winnow.yaml knows, without `auto`, which recogniseRegistry turns into one of these. */
export type RegistryKind =
  | 'distribution'
  | 'zot'
  | 'generic'
  | 'artifact-registry'
  | 'ecr'
  | 'acr'
  | 'docker-hub'
  | 'ghcr'
  | 'gitlab'
  | 'harbor'
  | 'quay'
  | 'artifactory'
  | 'nexus'
  | 'gitea'
  | 'trow'

export interface RegistryDriver {
  /** How people call it. */
  readonly product: string
  /** Whether its own driver is part of this version; otherwise it is read as any OCI registry, and never changed. */
  readonly isBuiltIn: boolean
  readonly createReader: (settings: OciReaderSettings) => ReadableRegistry
  readonly createWriter: (settings: OciWriterSettings) => OciWriter
}

export const registryDrivers: Readonly<Record<RegistryKind, RegistryDriver>> = {
  distribution: {
    product: 'CNCF Distribution',
    isBuiltIn: true,
    createReader: createDistributionReader,
    createWriter: createDistributionWriter,
  },
  zot: {
    product: zotTraits.product,
    isBuiltIn: true,
    createReader: (settings) => createOciReader({ ...settings, recognise: async () => zotTraits }),
    createWriter: (settings) => createOciWriter({ ...settings, deletesTags: zotTraits.deleteByTag }),
  },
  generic: {
    product: genericTraits.product,
    isBuiltIn: true,
    createReader: createOciReader,
    createWriter: createOciWriter,
  },
  'artifact-registry': readAsGeneric('Google Artifact Registry'),
  ecr: readAsGeneric('AWS ECR'),
  acr: readAsGeneric('Azure Container Registry'),
  'docker-hub': readAsGeneric('Docker Hub'),
  ghcr: readAsGeneric('GitHub Container Registry'),
  gitlab: readAsGeneric('GitLab Container Registry'),
  harbor: readAsGeneric('Harbor'),
  quay: readAsGeneric('Quay'),
  artifactory: readAsGeneric('JFrog Artifactory'),
  nexus: readAsGeneric('Sonatype Nexus'),
  gitea: readAsGeneric('Gitea or Forgejo'),
  trow: readAsGeneric('Trow'),
}

function readAsGeneric(product: string): RegistryDriver {
  return {
    product,
    isBuiltIn: false,
    createReader: (settings) =>
      createOciReader({ ...settings, recognise: async () => ({ ...genericTraits, product }) }),
    createWriter: (settings) => createReadOnlyWriter(product, settings),
  }
}
