/** How the bytes of registries are freed whose collector cannot be asked to run, or that have none. */
import { OperationalError } from '../../core/errors/errors.ts'
import { ownWayOf } from './detect-foreign.ts'
import type { RegistryKind } from './index.ts'

/** The registry has no collector that Winnow could ask to run. */
export class NoCollectorError extends OperationalError {
  readonly code = 'NO_COLLECTOR'
  override readonly category = 'usage'
  readonly hint: string

  /** @param product how people call it */
  constructor(registry: string, product: string, kind: RegistryKind) {
    super(
      `${registry} is ${product}, which has no collector that can be asked to run. --registry-collector is for Harbor and Nexus.`,
    )
    this.hint = ownWayOf(kind) ?? insteadOf(kind, registry)
  }
}

const byThemselves =
  'Nothing is left to do: it frees the bytes of deleted images by itself, within hours or days.'

function insteadOf(kind: RegistryKind, registry: string): string {
  switch (kind) {
    case 'distribution':
    case 'generic':
    case 'trow':
      return `Give it its storage: in the configuration, and sweep that:\n  winnow sweep ${registry}`
    case 'zot':
      return `zot collects by itself while it runs (storage, gc: true). Or stop it, give Winnow its storage:, and sweep that:\n  winnow sweep ${registry}`
    case 'artifact-registry':
    case 'ecr':
    case 'acr':
    case 'docker-hub':
    case 'ghcr':
    case 'gitlab':
    case 'harbor':
    case 'quay':
    case 'artifactory':
    case 'nexus':
    case 'gitea':
      return byThemselves
  }
}
