/**
 * Prints evidence. A source that did not answer in full is printed with what it did say, marked as incomplete, and
 * the exit code says so; nothing is dropped silently.
 */
import { askSources } from '../../app/gather-evidence.ts'
import { managedNames } from '../../app/managed-names.ts'
import { composeSources, composeState, managedRegistriesOf, readReferenceFile } from '../../compose.ts'
import { evidenceDocument } from '../../core/evidence/evidence-file.ts'
import type { Evidence, SourceEvidence } from '../../core/evidence/evidence.ts'
import type { ReferenceFile } from '../../core/evidence/reference-file.ts'
import { formatInstant } from '../../core/inventory/instant.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions } from '../composing.ts'
import { readInventories } from '../make-plan.ts'
import { writeOutputFile } from '../write-output-file.ts'
import { jsonText } from '../views/documents.ts'
import { countOf, shortDigest } from '../views/format.ts'
import { writeListing, type Listing } from '../views/listing.ts'

export const evidenceBody: CommandBody = {
  async run(context) {
    const files = context.options.texts('references')
    return files.length > 0 ? printReferenceFiles(files, context) : printEvidence(context)
  },
}

async function printEvidence(context: CommandContext): Promise<ExitCode> {
  const configuration = await readConfiguration(context)
  const takenAt = Date.now()
  const inventories = await readInventories(context.options.texts('inventory'), configuration, takenAt)
  const state = await composeState(composeOptions(context))
  let sources: readonly SourceEvidence[]
  try {
    sources = await askSources(
      {
        managed: managedNames(managedRegistriesOf(configuration), inventories),
        leftOut: context.options.texts('withoutEvidence'),
        accepted: context.options.texts('accept'),
      },
      { sources: composeSources(configuration), memory: state.memory, now: () => takenAt },
      context.run,
    )
  } finally {
    await state.close()
  }
  const evidence: Evidence = { takenAt, sources }
  await write(context, evidence, evidenceDocument(evidence))
  return endOf(sources, context)
}

/** Reference files as evidence, line by line (DESIGN section 5). */
async function printReferenceFiles(paths: readonly string[], context: CommandContext): Promise<ExitCode> {
  const takenAt = Date.now()
  const files: { readonly path: string; readonly file: ReferenceFile }[] = []
  for (const path of new Set(paths)) {
    files.push({ path, file: await readReferenceFile(path, context.run) })
  }
  const sources = files.map(({ path, file }) => sourceOf(path, file))
  const several = files.length > 1
  const document = {
    schemaVersion: 'evidence/v1',
    takenAt: formatInstant(takenAt),
    complete: files.every(({ file }) => file.complete),
    references: files.flatMap(({ file }) => file.references),
    digests: files.flatMap(({ file }) => file.digests),
    errors: files.flatMap(({ path, file }) =>
      file.errors.map((error) => ({ ...error, ...(several && { file: path }) })),
    ),
    // The same once more as a source, so that this is an evidence file that `--evidence` reads.
    sources: files.map(({ path, file: { complete, references, digests, errors } }) => ({
      name: `references:${path}`,
      complete,
      objects: references.length + digests.length,
      references,
      digests,
      problems: errors.map((error) => ({ severity: 'incomplete', text: lineText(path, error) })),
    })),
  }
  await write(context, { takenAt, sources }, document)
  return endOf(sources, context)
}

function sourceOf(path: string, file: ReferenceFile): SourceEvidence {
  return {
    name: `references:${path}`,
    complete: file.complete,
    leftOut: false,
    identity: undefined,
    objects: file.references.length + file.digests.length,
    pods: undefined,
    references: file.references.map(({ normalized, where }) => ({ reference: normalized, where })),
    digests: file.digests,
    problems: file.errors.map((error) => ({
      severity: 'incomplete',
      text: lineText(path, error),
      accept: undefined,
    })),
  }
}

function lineText(path: string, { line, text, message }: ReferenceFile['errors'][number]): string {
  return `${path}:${line}: ${JSON.stringify(text)}. ${message}`
}

async function write(
  context: CommandContext,
  evidence: Evidence,
  document: Readonly<Record<string, unknown>>,
): Promise<void> {
  const path = context.options.text('out')
  if (path !== undefined) await writeOutputFile(path, jsonText(document))
  await writeListing(context.globals.output, listingOf(evidence, document, context), context.terminal.stdout)
}

/** One use of an image, as the table and the lines have it. */
interface Use {
  readonly source: string
  readonly names: string
  readonly where: string
  readonly isGuess: boolean
}

function listingOf(
  { sources }: Evidence,
  document: Readonly<Record<string, unknown>>,
  { globals }: CommandContext,
): Listing {
  const uses = sources.flatMap(usesOf)
  const shown = globals.output === 'table' ? joined(uses) : uses
  const name = (text: string): string => (globals.output === 'table' ? shortened(text) : text)
  return {
    columns: [
      { heading: 'IN USE', shrinkTo: 24 },
      { heading: 'WHERE', shrinkTo: 16 },
      { heading: 'SOURCE', fromColumns: 60 },
    ],
    rows: shown.map(({ names, where, source, isGuess }) => [
      name(names),
      isGuess ? `${where} (pieced together)` : where,
      source,
    ]),
    csv: {
      headings: ['inUse', 'where', 'source', 'guess'],
      rows: uses.map(({ names, where, source, isGuess }) => [names, where, source, String(isGuess)]),
    },
    document,
    lines: sources.flatMap(({ name, references, digests }) => [
      ...references.map((reference) => ({ source: name, ...reference })),
      ...digests.map((digest) => ({ source: name, ...digest })),
    ]),
    names: [...new Set(uses.map(({ names }) => names))],
    below: ['', ...sources.map(summaryOf)],
  }
}

function usesOf({ name, references, digests }: SourceEvidence): readonly Use[] {
  return [
    ...references.map(({ reference, where, isGuess = false }) => ({
      source: name,
      names: reference,
      where,
      isGuess,
    })),
    ...digests.map(({ digest, where }) => ({ source: name, names: digest, where, isGuess: false })),
  ]
}

/** With its digest cut short: enough to tell images apart. */
function shortened(text: string): string {
  return text.replace(/sha256:[0-9a-f]{64}$/, shortDigest)
}

/** One line for each image and source; the first place stands for the others. */
function joined(uses: readonly Use[]): readonly Use[] {
  const byName = new Map<string, { first: Use; more: number }>()
  for (const use of uses) {
    const key = `${use.source} ${use.names}`
    const known = byName.get(key)
    if (known === undefined) byName.set(key, { first: use, more: 0 })
    else known.more += 1
  }
  return [...byName.values()].map(({ first, more }) =>
    more === 0 ? first : { ...first, where: `${first.where} and ${countOf(more, 'more place')}` },
  )
}

function summaryOf({ name, complete, leftOut, objects, references, digests }: SourceEvidence): string {
  if (leftOut) return `${name}: left out on purpose`
  const counts = [
    countOf(objects, 'object'),
    countOf(references.length, 'reference'),
    countOf(digests.length, 'digest'),
  ]
  return `${name}: ${complete ? 'complete' : 'INCOMPLETE'}, ${counts.join(', ')}`
}

/** Says what is wrong on stderr, and with which code to end. */
function endOf(sources: readonly SourceEvidence[], { run, terminal }: CommandContext): ExitCode {
  for (const { name, problems } of sources) {
    for (const { severity, text, accept } of problems) {
      const cure = accept === undefined ? '' : ` (to go on all the same: --accept=${accept})`
      if (severity === 'warning') run.onEvent?.({ kind: 'warning', text: `${name}: ${text}` })
      // Not through the progress, which `--quiet` silences: an incomplete answer is never quiet.
      else terminal.stderr.write(`${terminal.stderr.colors.red('incomplete:')} ${name}: ${text}${cure}\n`)
    }
  }
  const isIncomplete = sources.some(({ complete, leftOut }) => !complete && !leftOut)
  return isIncomplete ? exitCodes.incomplete : exitCodes.done
}
