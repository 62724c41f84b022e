/** `winnow import --compare`: the imported rules on an inventory, beside what the source says it would delete. */
import { readFile } from 'node:fs/promises'
import { loadConfiguration } from '../../config/load.ts'
import { comparePreview, type Compared } from '../../core/import/compare-preview.ts'
import type { ImportedConfiguration } from '../../core/import/imported-policy.ts'
import type { Importer } from '../../core/import/importer.ts'
import { readPreview } from '../../core/import/preview.ts'
import type { CommandContext } from '../command.ts'
import { InputFileError, makePlan, readInventories } from '../make-plan.ts'
import { UsageError } from '../report-error.ts'
import { countOf, shortDigest } from '../views/format.ts'
import { importedText } from '../views/imported.ts'
import { writeListing, type Listing } from '../views/listing.ts'

/** @throws UsageError without an inventory, PreviewUnreadableError, and whatever planning throws */
export async function writeComparison(
  importer: Importer,
  configuration: ImportedConfiguration,
  previewFile: string,
  context: CommandContext,
): Promise<void> {
  const [inventory] = context.options.texts('inventory')
  if (inventory === undefined) {
    throw new UsageError(
      '--compare needs an inventory to plan on.',
      'Save one, and name it with --inventory FILE:\n  winnow inventory -o json > inventory.json',
    )
  }
  const preview = readPreview(importer.system, await readInput(previewFile))
  const named = underNameOf(await readInput(inventory), configuration)
  const text = importedText(named, { title: importer.title, file: previewFile, warningCount: 0 })
  const loaded = loadConfiguration({ path: 'the imported configuration', text })
  const { plan } = await makePlan(loaded, context)
  const inventories = await readInventories(context.options.texts('inventory'), loaded, plan.now)
  const rows = comparePreview(plan, preview, inventories)
  await writeListing(context.globals.output, listingOf(rows), context.terminal.stdout)
}

async function readInput(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new InputFileError(file, { cause })
  }
}

/** The registry has whatever name it has in the inventory; the file of the source knows none. */
function underNameOf(inventory: string, configuration: ImportedConfiguration): ImportedConfiguration {
  const name = /"registry"\s*:\s*"([A-Za-z0-9][A-Za-z0-9._-]{0,62})"/.exec(inventory)?.[1]
  const [first, ...others] = configuration.registries
  if (name === undefined || first === undefined || others.length > 0) return configuration
  return { ...configuration, registries: [{ ...first, name }] }
}

const order: Readonly<Record<Compared['outcome'], number>> = {
  'deleted here': 0,
  'kept here': 1,
  'not told apart': 2,
  'not looked at': 3,
  unknown: 4,
  agree: 5,
}

/** What is deleted here goes before what is kept. */
function mostDangerousFirst(a: Compared, b: Compared): number {
  return order[a.outcome] - order[b.outcome] || Number(b.winnow === 'delete') - Number(a.winnow === 'delete')
}

function listingOf(compared: readonly Compared[]): Listing {
  const rows = compared.toSorted(mostDangerousFirst)
  const cellsOf = (nameOf: (each: Compared) => string): readonly (readonly string[])[] =>
    rows.map((each) => [each.repository, nameOf(each), each.source, each.winnow, each.outcome, each.why])
  const headings = ['repository', 'image', 'source', 'winnow', 'outcome', 'why']
  return {
    columns: headings.map((heading) => ({ heading, ...(heading === 'image' && { shrinkTo: 19 }) })),
    rows: cellsOf(imageText),
    csv: { headings, rows: cellsOf(({ name }) => name) },
    document: { schemaVersion: 'import-comparison/v1', images: rows },
    lines: rows,
    names: rows
      .filter(({ outcome }) => outcome !== 'agree')
      .map(({ repository, name }) => `${repository} ${name}`),
    below: [summaryOf(rows)],
  }
}

function summaryOf(rows: readonly Compared[]): string {
  const count = (outcome: Compared['outcome']): number =>
    rows.filter((each) => each.outcome === outcome).length
  const notLookedAt = rows.filter(({ outcome }) => outcome === 'not looked at')
  const deleted = notLookedAt.filter(({ winnow }) => winnow === 'delete').length
  const notToldApart = count('not told apart')
  const parts = [
    countOf(count('agree'), 'agreement'),
    `${count('kept here')} kept here and deleted by the source`,
    `${count('deleted here')} deleted here and kept by the source`,
    `${count('unknown')} not in the inventory`,
    ...(notToldApart === 0
      ? []
      : [`${notToldApart} not told apart (a name of the source fits several repositories)`]),
    ...(notLookedAt.length === 0
      ? []
      : [`${notLookedAt.length} not looked at by the source (${deleted} of them deleted here)`]),
  ]
  return `${parts.join(', ')}.`
}

/** Tags beyond these are counted. */
const tagsMax = 3

/** A tag; or a short digest with its tags, or with what it is a part of. */
function imageText({ name, digest, tags, platformOf }: Compared): string {
  if (name !== digest) return name
  const remarks = [
    ...(tags?.length === 0 && platformOf === undefined ? ['untagged'] : []),
    ...(platformOf === undefined
      ? []
      : [
          `${platformOf.platform ?? 'a platform'} of ${tagsText(platformOf) ?? shortDigest(platformOf.digest)}`,
        ]),
  ]
  const named = tags === undefined ? undefined : tagsText({ tags })
  const short = shortDigest(digest)
  if (named !== undefined) return `${named} (${[short, ...remarks].join(', ')})`
  return remarks.length === 0 ? short : `${short} (${remarks.join(', ')})`
}

function tagsText({ tags }: { readonly tags: readonly string[] }): string | undefined {
  if (tags.length === 0) return undefined
  const rest = tags.length - tagsMax
  return `${tags.slice(0, tagsMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
