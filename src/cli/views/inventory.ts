/** An inventory for people: one line a repository, with what it holds and when it last grew. */
import type { Digest } from '../../core/image/digest.ts'
import { buildGraph } from '../../core/image/graph.ts'
import { formatInstant } from '../../core/inventory/instant.ts'
import { inventoryDocument } from '../../core/inventory/inventory-file.ts'
import type { InstantMs, Inventory, RepositoryInventory } from '../../core/inventory/inventory.ts'
import { addBlobs, sum } from '../../core/plan/image-bytes.ts'
import { later, newestTime } from '../../core/policy/clocks.ts'
import type { OutputFormat } from '../command.ts'
import { countOf, formatAge, formatBytes, formatCount, unknownText } from './format.ts'
import type { Listing } from './listing.ts'
import type { Column } from './table.ts'

/** What is told of a repository. */
interface Summary {
  readonly registry: string
  readonly repository: string
  readonly isComplete: boolean
  readonly images: number
  readonly manifests: number
  readonly tags: number
  /** Every blob and manifest once. */
  readonly bytes: number
  readonly newestAt: InstantMs | undefined
}

const columns: readonly Column[] = [
  { heading: 'REGISTRY', fromColumns: 70 },
  { heading: 'REPOSITORY', shrinkTo: 20 },
  { heading: 'IMAGES', align: 'right' },
  { heading: 'TAGS', align: 'right' },
  { heading: 'SIZE', align: 'right' },
  { heading: 'NEWEST', align: 'right' },
  { heading: '' },
]
const wideColumns: readonly Column[] = [
  ...columns.slice(0, 3),
  { heading: 'MANIFESTS', align: 'right' },
  ...columns.slice(3),
]

/** The inventories in every format; `now` is what ages are measured from. */
export function inventoryListing(
  inventories: readonly Inventory[],
  format: OutputFormat,
  now: InstantMs,
): Listing {
  const summaries = inventories.flatMap(({ registry, repositories }) =>
    repositories.map((repository) => summaryOf(registry, repository, now)),
  )
  const isWide = format !== 'table'
  const [first] = inventories
  return {
    columns: isWide ? wideColumns : columns,
    rows: summaries.map((summary) => rowOf(summary, isWide, now)),
    csv: {
      headings: [
        'registry',
        'repository',
        'complete',
        'images',
        'manifests',
        'tags',
        'sizeBytes',
        'newestAt',
      ],
      rows: summaries.map((each) => [
        each.registry,
        each.repository,
        String(each.isComplete),
        String(each.images),
        String(each.manifests),
        String(each.tags),
        String(each.bytes),
        each.newestAt === undefined ? '' : formatInstant(each.newestAt),
      ]),
    },
    document: first === undefined ? {} : inventoryDocument(first),
    lines: inventories.map(inventoryDocument),
    names: summaries.map(({ repository }) => repository),
    below: ['', totals(inventories, summaries)],
  }
}

function rowOf(summary: Summary, isWide: boolean, now: InstantMs): readonly string[] {
  const { registry, repository, isComplete, images, manifests, tags, bytes, newestAt } = summary
  return [
    registry,
    repository,
    formatCount(images),
    ...(isWide ? [formatCount(manifests)] : []),
    formatCount(tags),
    images === 0 ? unknownText : formatBytes(bytes),
    formatAge(newestAt, now),
    isComplete ? '' : 'not read in full',
  ]
}

function summaryOf(
  registry: string,
  { name, complete, manifests }: RepositoryInventory,
  now: InstantMs,
): Summary {
  const blobs = new Map<Digest, number>()
  for (const manifest of manifests) addBlobs(manifest, blobs)
  return {
    registry,
    repository: name,
    isComplete: complete,
    images: buildGraph(manifests).images.length,
    manifests: manifests.length,
    tags: manifests.reduce((total, { tags }) => total + tags.length, 0),
    bytes: sum(blobs.values()),
    newestAt: manifests.reduce<InstantMs | undefined>(
      (at, each) => later(at, newestTime(each, now)),
      undefined,
    ),
  }
}

function totals(inventories: readonly Inventory[], summaries: readonly Summary[]): string {
  const bytes = inventories.reduce((total, { repositories }) => {
    // Repositories of a registry share blobs, so the whole is less than the sum of its lines.
    const blobs = new Map<Digest, number>()
    for (const { manifests } of repositories) for (const each of manifests) addBlobs(each, blobs)
    return total + sum(blobs.values())
  }, 0)
  const count = (key: 'images' | 'tags'): number => sum(summaries.map((each) => each[key]))
  const repositories = countOf(summaries.length, 'repository', 'repositories')
  return `${repositories}, ${countOf(count('images'), 'image')}, ${countOf(count('tags'), 'tag')}, ${formatBytes(bytes)} (what images share counted once)`
}
