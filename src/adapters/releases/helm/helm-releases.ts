/**
 * Helm releases as evidence: every stored revision may come back by `helm rollback`, superseded, failed and
 * uninstalled ones included, so every one of them keeps its images.
 *
 * Promises: all revisions count, or the newest N of each release and always the newest deployed one; hooks count;
 * each document is read by its fields and the whole text once more as text, so that odd YAML hides nothing. A
 * release that cannot be decoded, or is stored in a format newer than this one, makes the source incomplete and is
 * named. Never reads values or chart files, which speak of images that were not installed. Does not see releases that
 * Helm keeps in SQL (HELM_DRIVER=sql): they are not in the cluster.
 */
import type { SourceProblem } from '../../../core/evidence/evidence.ts'
import { createExtractor, type Extraction, type Extractor } from '../../../core/evidence/extract.ts'
import type { ManagedNames } from '../../../core/evidence/managed-names.ts'
import type {
  ReleaseReader,
  ReleaseSettings,
  ReleaseStorage,
  StorageKind,
} from '../../../ports/stored-releases.ts'
import { manifestDocuments } from './manifest-documents.ts'
import { decodeRelease, type HelmRelease } from './release-payload.ts'
import { recogniseRelease, type StoredRevision } from './stored-release.ts'

// A page of releases is decoded at once; each may be a megabyte.
const PAGE_LIMIT = 50

export const helmReleases: ReleaseStorage = {
  queries: [
    { kind: 'Secret', resource: 'secrets', fieldSelector: 'type=helm.sh/release.v1', limit: PAGE_LIMIT },
    // Whatever Helm labels as its own and stores in another way, a newer format above all.
    {
      kind: 'Secret',
      resource: 'secrets',
      fieldSelector: 'type!=helm.sh/release.v1',
      labelSelector: 'owner=helm',
      limit: PAGE_LIMIT,
    },
    { kind: 'ConfigMap', resource: 'configmaps', labelSelector: 'owner=helm', limit: PAGE_LIMIT },
  ],
  open: (managed, settings) => new HelmReleaseReader(managed, settings),
}

class HelmReleaseReader implements ReleaseReader {
  readonly #managed: ManagedNames
  readonly #revisionsMax: 'all' | number
  readonly #extractor: Extractor
  /** Revisions that may still be pushed out by newer ones; empty while all revisions count. */
  readonly #waiting = new Map<string, readonly StoredRevision[]>()
  readonly #problems: SourceProblem[] = []
  #revisions = 0

  constructor(managed: ManagedNames, { revisions, strict }: ReleaseSettings) {
    this.#managed = managed
    this.#revisionsMax = revisions
    this.#extractor = createExtractor(managed, strict === undefined ? {} : { strict })
  }

  add(kind: StorageKind, object: unknown): void {
    const stored = recogniseRelease(kind, object)
    if (stored.kind === 'foreign') return
    if (stored.kind === 'unknown-format') {
      this.#incomplete(
        `${stored.where} is stored in the format ${stored.format}, which this version of Winnow does not know.`,
        UPGRADE,
      )
      return
    }
    const { release } = stored
    const revisions = this.#revisionsMax
    // Without a revision number nothing newer can push it out.
    if (revisions === 'all' || release.revision === undefined) this.#read(release)
    else this.#waiting.set(release.id, newest([...(this.#waiting.get(release.id) ?? []), release], revisions))
  }

  result(): Extraction {
    for (const release of [...this.#waiting.values()].flat()) this.#read(release)
    this.#waiting.clear()
    const { references, digests, problems } = this.#extractor.result()
    return {
      references,
      digests,
      problems: [...this.#problems, ...problems],
      objects: this.#revisions,
      pods: 0,
    }
  }

  #read(stored: StoredRevision): void {
    this.#revisions++
    const release = this.#decode(stored)
    if (release === undefined) return
    const { where } = stored
    for (const text of [release.manifest, ...release.hooks]) {
      const { documents, unreadable } = manifestDocuments(text)
      for (const { resource, object } of documents) {
        // The kind is what reports call the object; there it has to say first which release it is in.
        this.#extractor.addObject({ ...resource, kind: `${where}: ${resource.kind}` }, object)
      }
      if (unreadable > 0) this.#unreadableYaml(where, unreadable)
    }
    this.#extractor.addHelmRelease(release.stored, where)
  }

  #decode(stored: StoredRevision): HelmRelease | undefined {
    try {
      return decodeRelease(stored.storage, stored.payload)
    } catch (error) {
      const why = error instanceof Error ? error.message : 'it is damaged'
      this.#incomplete(`${stored.where} cannot be read: ${why}. Its images are unknown.`, REPAIR)
      return undefined
    }
  }

  #unreadableYaml(where: string, count: number): void {
    const text = `${where}: ${count} of its documents is not YAML that Winnow can read; it was searched as text.`
    // As text, a short name such as `nginx` cannot be told from any other word; full names can.
    const shortNames = this.#managed.registries.some(({ prefixes }) =>
      prefixes.some((prefix) => /^docker\.io(?:\/|$)/.test(prefix)),
    )
    if (shortNames) this.#incomplete(text, REPAIR)
    else this.#problems.push({ severity: 'warning', text, accept: undefined })
  }

  #incomplete(text: string, hint: string): void {
    this.#problems.push({ severity: 'incomplete', text: `${text} ${hint}`, accept: undefined })
  }
}

const UPGRADE = 'Upgrade Winnow, or leave the source out on purpose with --without-evidence.'
const REPAIR =
  'Look at it with `helm get manifest`; if Helm cannot read it either, delete the Secret or ConfigMap that holds it.'

/** The newest `count` revisions, and the newest deployed one, which is what runs and what Helm itself never drops. */
function newest(revisions: readonly StoredRevision[], count: number): readonly StoredRevision[] {
  const ordered = revisions.toSorted((a, b) => (b.revision ?? 0) - (a.revision ?? 0))
  const deployed = ordered.find((release) => release.deployed)
  const kept = ordered.slice(0, count)
  return deployed === undefined || kept.includes(deployed) ? kept : [...kept, deployed]
}
