/**
 * A table of the policy page as a registry, and the plan made from it: each row is an image (or a tag of one) with
 * what is known of it, and the verdict the page promises.
 */
import { createHash } from 'node:crypto'
import { planOffline } from '../../src/app/plan.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import type { Evidence } from '../../src/core/evidence/evidence.ts'
import { parseDigest, type Digest } from '../../src/core/image/digest.ts'
import { readInventory } from '../../src/core/inventory/inventory-file.ts'
import type { Plan } from '../../src/core/plan/plan.ts'

type TableRow = Readonly<Record<string, string>>

/** A Wednesday at noon; ages in the tables count back from here, and the page says so. */
const examplesNow = Date.UTC(2026, 5, 17, 12)

const dayMs = 86_400_000
const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: dayMs, w: 7 * dayMs }
const knownColumns: ReadonlySet<string> = new Set(
  'Image,Manifest,Pushed,Created,Pulled,Size,Labels,Platform,Type,Subject,In use,Locked,Verdict,Reason'.split(
    ',',
  ),
)

/** What a page leaves out of an example, so that it can be short, put back. */
export function wholeFile(example: string): string {
  if (/^version:/m.test(example)) return example
  const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '    ')
  const policies = /^policies:/m.test(example)
    ? example
    : `policies:\n  - name: example\n    repositories: ["team/**"]\n${indented(example)}`
  return `version: 1\nregistries:\n  prod:\n    url: https://registry.example.com\n${policies}\n`
}

/** Plans a repository `team/app` that holds what the rows say. */
export function planOf(example: string, rows: readonly TableRow[]): Plan {
  const configuration = loadConfiguration({ path: 'winnow.yaml', text: wholeFile(example) })
  const document = {
    schemaVersion: 'inventory/v1',
    registry: 'prod',
    repositories: [{ name: 'team/app', complete: true, manifests: manifestsOf(rows) }],
  }
  const inventory = readInventory(document, { source: 'the example', takenAt: examplesNow })
  const request = {
    policySet: configuration.policySet,
    policyText: configuration.fingerprintText,
    registries: [],
    leftOut: [],
    accepted: [],
    now: examplesNow,
  }
  return planOffline([inventory], evidenceOf(rows), request, hash).plan
}

/** What the plan says of a row: its verdict, and the words of its reasons. */
export function verdictOf(
  plan: Plan,
  row: TableRow,
): { readonly verdict: string; readonly reasons: readonly string[] } {
  const digest = digestOf(row)
  const tag = tagsOf(row)[0]
  const line = plan.actions.find(
    (action) => action.digest === digest && (action.kind === 'delete' || action.tag === tag),
  )
  const kept = plan.kept.find((image) => image.digest === digest)
  const along = plan.actions.find((action) => action.kind === 'delete' && action.with.includes(digest))
  const found = line ?? kept ?? along
  const verdict =
    line?.kind ?? (kept === undefined ? (along === undefined ? 'not mentioned' : 'delete') : 'keep')
  return { verdict, reasons: (found?.reasons ?? []).map((reason) => reason.text) }
}

/** One manifest for each digest; rows of one manifest add their tags to it. */
function manifestsOf(rows: readonly TableRow[]): readonly object[] {
  const byDigest = new Map<string, { readonly tags: object[] } & Readonly<Record<string, unknown>>>()
  for (const row of rows) {
    const strange = Object.keys(row).find((column) => !knownColumns.has(column))
    if (strange !== undefined) throw new Error(`No column is called ${strange}.`)
    const digest = digestOf(row)
    const tags = tagsOf(row).map((name) => ({ name }))
    const known = byDigest.get(digest)
    if (known !== undefined) known.tags.push(...tags)
    else byDigest.set(digest, { digest, tags, ...factsOf(row) })
  }
  return [...byDigest.values()]
}

function factsOf(row: TableRow): Readonly<Record<string, unknown>> {
  const { Labels: labels = '', Size: size = '', Platform: platform = '', Type: type = '' } = row
  return {
    pushedAt: instantOf(row['Pushed']),
    createdAt: instantOf(row['Created']),
    pulledAt: instantOf(row['Pulled']),
    platform: plain(platform),
    artifactType: plain(type),
    subject: row['Subject'] === undefined || row['Subject'] === '' ? null : digestNamed(row['Subject']),
    locked: row['Locked'] === 'yes',
    labels: Object.fromEntries(ticked(labels).map((pair) => pair.split('='))) as Record<string, string>,
    layers:
      size === ''
        ? []
        : [{ digest: digestNamed(`layer ${digestOf(row)}`), sizeBytes: Number.parseInt(size, 10) * 2 ** 20 }],
  }
}

function evidenceOf(rows: readonly TableRow[]): Evidence {
  const digests = rows.flatMap((row) =>
    (row['In use'] ?? '') === '' ? [] : [{ digest: digestOf(row), where: row['In use'] ?? '' }],
  )
  const source = {
    name: 'kubernetes:prod-eu',
    complete: true,
    leftOut: false,
    identity: undefined,
    objects: digests.length,
    pods: undefined,
    references: [],
    digests,
    problems: [],
  }
  return { takenAt: examplesNow, sources: [source] }
}

/** `3d ago`, `12 June 02:15` of the examples' year, or nothing where the registry does not tell. */
function instantOf(cell: string | undefined): string | null {
  if (cell === undefined || cell === '' || cell === 'unknown') return null
  const ago = /^(\d+)([mhdw]) ago$/.exec(cell)
  if (ago !== null) {
    return new Date(examplesNow - Number(ago[1]) * (unitsMs[ago[2] ?? ''] ?? Number.NaN)).toISOString()
  }
  const year = /\b\d{4}\b/.test(cell) ? '' : ' 2026'
  const at = Date.parse(`${cell.replace(/^(\d+ [A-Z][a-z]+)/, `$1${year}`)} UTC`)
  if (Number.isNaN(at)) throw new Error(`${cell} is no time that this test reads.`)
  return new Date(at).toISOString()
}

function tagsOf(row: TableRow): readonly string[] {
  return ticked(row['Image'] ?? '')
}

/** What stands between backticks. */
function ticked(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

function plain(cell: string): string | null {
  return cell === '' ? null : cell.replaceAll('`', '')
}

/** Rows that name the same manifest are the same manifest; others are told apart by what they are called. */
function digestOf(row: TableRow): Digest {
  return digestNamed(row['Manifest'] ?? row['Image'] ?? '')
}

function digestNamed(name: string): Digest {
  return hash([name.replaceAll('`', '')])
}

function hash(texts: Iterable<string>): Digest {
  const sum = createHash('sha256')
  for (const text of texts) sum.update(text)
  const digest = parseDigest(`sha256:${sum.digest('hex')}`)
  if (digest === undefined) throw new Error('SHA-256 gave no digest.')
  return digest
}
