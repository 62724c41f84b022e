/**
 * Inventories as files: `inventory/v1`.
 *
 * Only `digest` is required of a manifest; what is absent or null is unknown, and later stages keep what is unknown.
 * Fields this version does not know are passed over, since the format only grows: a newer version tells more of an image,
 * and what is not known here protects nobody less than before. A key that looks like one that is missing is refused, for
 * `chldren` or `loked` would lose what keeps an image; so a new key must not look like an old one. Another `schemaVersion`
 * is refused, and so is everything that is there and wrong, with the path of the place. Two rows for one digest, or one tag on two digests,
 * are refused too: one of them would be false, and nobody can say which. Cycles are legal; the graph deals with them.
 */
import { parseDigest, type Digest } from '../image/digest.ts'
import { parseRepositoryName, parseTagName, type RegistryName } from '../image/names.ts'
import { Field, InventoryUnreadableError } from './inventory-fields.ts'
import { formatInstant } from './instant.ts'
import type {
  BlobReference,
  InstantMs,
  Inventory,
  ManifestRecord,
  RepositoryInventory,
  TagRecord,
} from './inventory.ts'

const SCHEMA_VERSION = 'inventory/v1'

const documentKeys: ReadonlySet<string> = new Set(['schemaVersion', 'registry', 'takenAt', 'repositories'])
const repositoryKeys: ReadonlySet<string> = new Set(['name', 'complete', 'problems', 'manifests'])
const manifestKeys: ReadonlySet<string> = new Set([
  ...['digest', 'mediaType', 'sizeBytes', 'tags', 'children', 'subject', 'artifactType', 'platform'],
  ...['createdAt', 'pushedAt', 'uploadedAt', 'pulledAt', 'recordedAt', 'firstSeenAt'],
  ...['config', 'layers', 'labels', 'annotations', 'commits', 'locked', 'missingBlobs'],
])
const tagKeys: ReadonlySet<string> = new Set(['name', 'pushedAt', 'pulledAt'])
const blobKeys: ReadonlySet<string> = new Set(['digest', 'sizeBytes'])

export interface InventoryFileOptions {
  /** Stands in errors: the path of the file. */
  readonly source: string
  /** When the inventory was taken, for files that do not tell. */
  readonly takenAt: InstantMs
}

/**
 * Reads an inventory from the text of a JSON file.
 *
 * @throws InventoryUnreadableError naming the file and the path in it
 */
export function parseInventoryFile(text: string, options: InventoryFileOptions): Inventory {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    throw new InventoryUnreadableError(options.source, '', 'it is not JSON, or it was cut short', { cause })
  }
  return readInventory(document, options)
}

/**
 * Reads an inventory from a decoded document (JSON or YAML).
 *
 * @throws InventoryUnreadableError naming the file and the path in it
 */
export function readInventory(document: unknown, options: InventoryFileOptions): Inventory {
  const root = new Field(options.source, '', document)
  const version = root.text('schemaVersion')
  if (version !== SCHEMA_VERSION) {
    root
      .at('schemaVersion')
      .refuse(`is ${JSON.stringify(version ?? null)}; this version reads ${SCHEMA_VERSION}`)
  }
  root.refuseMisspelt(documentKeys, SCHEMA_VERSION)
  const registry = root.text('registry')
  if (registry === undefined || registry === '') return root.at('registry').refuse('is missing')
  const listed = root.list('repositories')
  if (listed === undefined) return root.at('repositories').refuse('is missing')
  const repositories = listed.map(readRepository)
  refuseRepeats(listed, repositories, ({ name }) => [name], 'repository')
  return {
    registry: registry as RegistryName,
    takenAt: root.instant('takenAt') ?? options.takenAt,
    repositories,
    capabilities: undefined,
  }
}

function readRepository(field: Field): RepositoryInventory {
  field.refuseMisspelt(repositoryKeys, SCHEMA_VERSION)
  const name = parseRepositoryName(field.text('name') ?? '')
  if (name === undefined) return field.at('name').refuse('is not the name of a repository')
  const listed = field.list('manifests') ?? []
  const manifests = listed.map(readManifest)
  refuseRepeats(listed, manifests, ({ digest }) => [digest], 'digest')
  refuseRepeats(listed, manifests, ({ tags }) => tags.map((tag) => tag.name), 'tag')
  return { name, complete: field.flag('complete') ?? true, problems: field.texts('problems'), manifests }
}

function readManifest(field: Field): ManifestRecord {
  field.refuseMisspelt(manifestKeys, SCHEMA_VERSION)
  const uploadedAt = field.registryInstant('uploadedAt')
  return {
    digest: field.digest('digest') ?? field.at('digest').refuse('is missing'),
    mediaType: field.text('mediaType'),
    sizeBytes: field.count('sizeBytes'),
    // Sorted, as drivers record them: the order of a list in a file shows nowhere.
    tags: (field.list('tags') ?? []).map(readTag).toSorted((a, b) => compare(a.name, b.name)),
    createdAt: field.instant('createdAt'),
    pushedAt: field.registryInstant('pushedAt'),
    ...(uploadedAt !== undefined && { uploadedAt }),
    pulledAt: field.registryInstant('pulledAt'),
    recordedAt: field.registryInstant('recordedAt'),
    firstSeenAt: field.registryInstant('firstSeenAt'),
    children: [...new Set((field.list('children') ?? []).map(readDigest))],
    subject: field.digest('subject'),
    artifactType: field.text('artifactType'),
    platform: field.text('platform'),
    config: field.member('config') === undefined ? undefined : readBlob(field.at('config')),
    layers: (field.list('layers') ?? []).map(readBlob),
    labels: field.textMap('labels'),
    annotations: field.textMap('annotations'),
    commits: field.texts('commits'),
    locked: field.flag('locked') ?? false,
    ...(field.member('missingBlobs') !== undefined && {
      missingBlobs: (field.list('missingBlobs') ?? []).map(readDigest),
    }),
  }
}

function readTag(field: Field): TagRecord {
  field.refuseMisspelt(tagKeys, SCHEMA_VERSION)
  const name = parseTagName(field.text('name') ?? '')
  if (name === undefined) return field.at('name').refuse('is not a tag')
  return { name, pushedAt: field.registryInstant('pushedAt'), pulledAt: field.registryInstant('pulledAt') }
}

function readBlob(field: Field): BlobReference {
  field.refuseMisspelt(blobKeys, SCHEMA_VERSION)
  const digest = field.digest('digest') ?? field.at('digest').refuse('is missing')
  return { digest, sizeBytes: field.count('sizeBytes') ?? 0 }
}

function readDigest(field: Field): Digest {
  return parseDigest(typeof field.value === 'string' ? field.value : '') ?? field.refuse('is not a digest')
}

function refuseRepeats<T>(
  fields: readonly Field[],
  values: readonly T[],
  namesOf: (value: T) => readonly string[],
  what: string,
): void {
  const first = new Map<string, Field>()
  values.forEach((value, i) => {
    const field = fields[i]
    for (const name of field === undefined ? [] : namesOf(value)) {
      const earlier = first.get(name)
      if (earlier !== undefined) field?.refuse(`has the ${what} ${name}, which ${earlier.path} has already`)
      if (field !== undefined) first.set(name, field)
    }
  })
}

/**
 * The inventory as a document, ready for JSON or YAML; equal inventories give equal documents, whatever order the
 * registry listed things in. What Winnow alone knows (push events, first sightings) is written where it is known.
 */
export function inventoryDocument(inventory: Inventory): Readonly<Record<string, unknown>> {
  return {
    schemaVersion: SCHEMA_VERSION,
    registry: inventory.registry,
    takenAt: formatInstant(inventory.takenAt),
    repositories: inventory.repositories.toSorted((a, b) => compare(a.name, b.name)).map(repositoryDocument),
  }
}

function repositoryDocument({ name, complete, problems, manifests }: RepositoryInventory): object {
  return {
    name,
    complete,
    ...(problems.length > 0 && { problems }),
    manifests: manifests.toSorted((a, b) => compare(a.digest, b.digest)).map(manifestDocument),
  }
}

function manifestDocument(manifest: ManifestRecord): object {
  return {
    digest: manifest.digest,
    mediaType: manifest.mediaType ?? null,
    sizeBytes: manifest.sizeBytes ?? null,
    tags: manifest.tags
      .toSorted((a, b) => compare(a.name, b.name))
      .map(({ name, pushedAt, pulledAt }) => ({
        name,
        pushedAt: instant(pushedAt),
        pulledAt: instant(pulledAt),
      })),
    createdAt: instant(manifest.createdAt),
    pushedAt: instant(manifest.pushedAt),
    ...(manifest.uploadedAt !== undefined && { uploadedAt: instant(manifest.uploadedAt) }),
    pulledAt: instant(manifest.pulledAt),
    ...(manifest.recordedAt !== undefined && { recordedAt: instant(manifest.recordedAt) }),
    ...(manifest.firstSeenAt !== undefined && { firstSeenAt: instant(manifest.firstSeenAt) }),
    children: manifest.children,
    subject: manifest.subject ?? null,
    artifactType: manifest.artifactType ?? null,
    platform: manifest.platform ?? null,
    config: manifest.config === undefined ? null : blobDocument(manifest.config),
    layers: manifest.layers.map(blobDocument),
    labels: sortedKeys(manifest.labels),
    annotations: sortedKeys(manifest.annotations),
    commits: manifest.commits,
    locked: manifest.locked,
    ...(manifest.missingBlobs !== undefined && { missingBlobs: manifest.missingBlobs.toSorted() }),
  }
}

function blobDocument({ digest, sizeBytes }: BlobReference): object {
  return { digest, sizeBytes }
}

function instant(at: InstantMs | undefined): string | null {
  return at === undefined ? null : formatInstant(at)
}

function sortedKeys(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).toSorted(([a], [b]) => compare(a, b)))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
