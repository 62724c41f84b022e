/** The one table of labs: what runs over all drivers starts here. */
import type { RegistryKind } from '../../src/adapters/registries/index.ts'
import type { PlantedName } from '../conformance/registry-fixture.ts'
import type { LabOptions, RegistryLab } from './lab.ts'

export interface LabEntry {
  readonly kind: RegistryKind
  readonly start: (options?: LabOptions) => Promise<RegistryLab>
  /** How repositories of this product are called. @default `team/MARK` */
  readonly repositoryOf?: (mark: string) => string
  /** What of the suites' graph the product does not take. @default [] */
  readonly without?: readonly PlantedName[]
  /** Layers go with the last manifest that has them, so deletions there cannot be undone. @default false */
  readonly forgetsLayers?: boolean
  /** Requests for one inventory with everything in the cache, as the reference counts them. */
  readonly arithmetic: Arithmetic
}

export interface Arithmetic {
  readonly text: string
  readonly requests: (counts: RegistryCounts) => number
}

export interface RegistryCounts {
  readonly repositories: number
  /** In each repository. */
  readonly tags: number
  /** In each repository, children and untagged ones included. */
  readonly manifests: number
}

const pages = (rows: number, size: number): number => Math.max(1, Math.ceil(rows / size))

/** Loaded one by one, so that a benchmark of one driver needs no other. */
export const labs: readonly LabEntry[] = [
  {
    kind: 'harbor',
    start: async (options) => (await import('./harbor-lab.ts')).startHarborLab(options),
    arithmetic: {
      text: 'R/100 + R × M/100',
      requests: ({ repositories, manifests }) =>
        pages(repositories, 100) + repositories * pages(manifests, 100),
    },
  },
  {
    kind: 'artifactory',
    start: async (options) => (await import('./artifactory-lab.ts')).startArtifactoryLab(options),
    arithmetic: { text: '1 AQL for each repository key', requests: () => 1 },
  },
  {
    kind: 'acr',
    start: async (options) => (await import('./acr-lab.ts')).startAcrLab(options),
    arithmetic: {
      text: 'R/1000 + R × 2 × M/1000, and logins',
      requests: ({ repositories, manifests }) =>
        pages(repositories, 1000) + repositories * 2 * pages(manifests, 1000),
    },
  },
  {
    kind: 'ghcr',
    start: async (options) => (await import('./ghcr-lab.ts')).startGhcrLab(options),
    arithmetic: {
      text: 'R/100 + R × M/100',
      requests: ({ repositories, manifests }) =>
        pages(repositories, 100) + repositories * pages(manifests, 100),
    },
  },
  {
    kind: 'gitlab',
    start: async (options) => (await import('./gitlab-lab.ts')).startGitLabLab(options),
    arithmetic: {
      text: 'R/100 + R × T/1000, and the rules of each project',
      requests: ({ repositories, tags }) => pages(repositories, 100) + repositories * (pages(tags, 1000) + 1),
    },
  },
  {
    kind: 'artifact-registry',
    start: async (options) => (await import('./artifact-registry-lab.ts')).startGoogleLab(options),
    repositoryOf: (mark) => `shop/apps/${mark}`,
    arithmetic: { text: 'R, and one for each folder', requests: ({ repositories }) => repositories + 1 },
  },
  {
    kind: 'gitea',
    start: async (options) => (await import('./gitea-lab.ts')).startGiteaLab(options),
    without: ['schema1', 'cache'],
    forgetsLayers: true,
    arithmetic: {
      text: 'all versions of an owner/50',
      requests: ({ repositories, manifests, tags }) => pages(repositories * (manifests + tags), 50),
    },
  },
  {
    kind: 'ecr',
    start: async (options) => (await import('./ecr-lab.ts')).startEcrLab(options),
    arithmetic: {
      text: 'R/1000 + R × M/1000',
      requests: ({ repositories, manifests }) =>
        pages(repositories, 1000) + repositories * pages(manifests, 1000),
    },
  },
  {
    kind: 'zot',
    start: async (options) => (await import('./zot-lab.ts')).startZotLab(options),
    without: ['schema1', 'cache'],
    arithmetic: {
      text: 'R/1000 + R × (T/1000 + T/500 + M), and one',
      requests: ({ repositories, tags, manifests }) =>
        1 + pages(repositories, 1000) + repositories * (pages(tags, 1000) + pages(tags, 500) + manifests),
    },
  },
  {
    kind: 'trow',
    start: async (options) => (await import('./trow-lab.ts')).startTrowLab(options),
    arithmetic: {
      text: 'R/1000 + R × (T/1000 + T + M), and two',
      requests: ({ repositories, tags, manifests }) =>
        2 + pages(repositories, 1000) + repositories * (pages(tags, 1000) + tags + manifests),
    },
  },
  {
    kind: 'nexus',
    start: async (options) => (await import('./nexus-lab.ts')).startNexusLab(options),
    arithmetic: {
      text: 'all components/100',
      requests: ({ repositories, tags }) => pages(repositories * tags, 100),
    },
  },
  {
    kind: 'quay',
    start: async (options) => (await import('./quay-lab.ts')).startQuayLab(options),
    arithmetic: {
      text: 'R/100 + R × T/100',
      requests: ({ repositories, tags }) => pages(repositories, 100) + repositories * pages(tags, 100),
    },
  },
  {
    kind: 'docker-hub',
    start: async (options) => (await import('./docker-hub-lab.ts')).startDockerHubLab(options),
    repositoryOf: (mark) => `acme/${mark}`,
    arithmetic: {
      text: 'R/100 + R × T/100',
      requests: ({ repositories, tags }) => pages(repositories, 100) + repositories * pages(tags, 100),
    },
  },
]
