/** What a fake of GitLab holds: groups and users, projects with their rules, tokens, and the registry's content. */
import { RegistryStore } from '../../src/adapters/registries/memory/store.ts'
import { parseDigest } from '../../src/core/image/digest.ts'
import { parseRepositoryName, parseTagName, type RepositoryName } from '../../src/core/image/names.ts'

export interface GitLabToken {
  /** `read_registry`, `write_registry`, `read_api`, `api`. */
  readonly scopes: readonly string[]
  /** Whether its owner may delete tags. @default true */
  readonly isDeveloper?: boolean
}

export interface ProtectionRule {
  readonly tag_name_pattern: string
  readonly minimum_access_level_for_push: string | null
  readonly minimum_access_level_for_delete: string | null
}

export class GitLabState {
  readonly store = new RegistryStore()
  readonly tokens = new Map<string, GitLabToken>()
  /** Rules by the path of a project; a project without any is there all the same. */
  readonly projects = new Map<string, readonly ProtectionRule[]>()
  /** Namespaces that are users; every other one of a project is a group. */
  readonly users = new Set<string>()
  /** What GitLab itself does to a repository. */
  readonly statuses = new Map<string, string>()
  now: () => number = Date.now

  /** The project of a repository: the longest path that is one. */
  projectOf(repository: string): string | undefined {
    const parts = repository.split('/')
    const paths = parts.map((_, i) => parts.slice(0, parts.length - i).join('/'))
    return paths.find((path) => this.projects.has(path))
  }

  isProtected(repository: string, tag: string): boolean {
    const rules = this.projects.get(this.projectOf(repository) ?? '') ?? []
    return rules.some(
      ({
        tag_name_pattern: pattern,
        minimum_access_level_for_push: push,
        minimum_access_level_for_delete: deletion,
      }) => (deletion !== null || push === null) && new RegExp(pattern).test(tag),
    )
  }

  /** Pushes past the network, as if a client had; makes the project where there is none. */
  put(name: string, bytes: Uint8Array, mediaType: string, reference: string): void {
    const repository = this.repository(name)
    const like = parseDigest(reference)
    const tag = like === undefined ? parseTagName(reference) : undefined
    this.store.repository(repository).putManifest(bytes, mediaType, tag, this.now(), like)
  }

  repository(name: string): RepositoryName {
    const repository = parseRepositoryName(name)
    if (repository === undefined) throw new Error(`${name} is no repository`)
    if (this.projectOf(name) === undefined) this.projects.set(name.split('/').slice(0, 2).join('/'), [])
    return repository
  }
}
