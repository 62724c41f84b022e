/** Prints what `app/verify` found. Missing images are an outcome, not an error: exit code 4, not everything is there. */
import { verify, type VerifiedReference } from '../../app/verify.ts'
import { composeEvidenceFiles, composePlanning, managedRegistriesOf } from '../../compose.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions } from '../composing.ts'
import { countOf } from '../views/format.ts'
import { writeListing, type Listing } from '../views/listing.ts'

export const verifyBody: CommandBody = {
  async run(context) {
    const verified = await verifyAll(context)
    await writeListing(context.globals.output, listingOf(verified, context), context.terminal.stdout)
    return verified.every(({ state }) => state === 'whole') ? exitCodes.done : exitCodes.partly
  },
}

async function verifyAll(context: CommandContext): Promise<readonly VerifiedReference[]> {
  const configuration = await readConfiguration(context)
  const world = await composePlanning(configuration, composeOptions(context), context.run)
  try {
    for (const note of world.notes) context.run.onEvent?.({ kind: 'warning', text: note })
    const files = context.options.texts('evidence')
    const sources = files.length > 0 ? await composeEvidenceFiles(files, context.run) : world.ports.sources
    if (sources.length === 0) {
      const text =
        'No evidence is configured: nothing was asked what is in use, so there is nothing to verify.'
      context.run.onEvent?.({ kind: 'warning', text })
    }
    return await verify(
      {
        registries: managedRegistriesOf(configuration),
        leftOut: context.options.texts('withoutEvidence'),
        accepted: context.options.texts('accept'),
      },
      { ...world.ports, sources, readers: world.readers },
      context.run,
    )
  } finally {
    await world.close()
  }
}

function listingOf(verified: readonly VerifiedReference[], { options, terminal }: CommandContext): Listing {
  const isAll = options.text('show') === 'all'
  const shown = verified.filter(({ state }) => isAll || state !== 'whole')
  const { colors } = terminal.stdout
  const styles = { whole: colors.green, missing: colors.red, broken: colors.red }
  const counts = {
    whole: count(verified, 'whole'),
    missing: count(verified, 'missing'),
    broken: count(verified, 'broken'),
  }
  return {
    columns: [
      { heading: 'STATE' },
      { heading: 'IMAGE', shrinkTo: 24 },
      { heading: 'NOT THERE', shrinkTo: 20 },
      { heading: 'USED BY', shrinkTo: 16, fromColumns: 60 },
    ],
    rows: shown.map((line) => [
      { text: line.state, style: styles[line.state] },
      nameOf(line),
      missingText(line),
      usesText(line),
    ]),
    csv: {
      headings: ['state', 'registry', 'repository', 'tag', 'digest', 'missing', 'usedBy'],
      rows: shown.map(({ state, registry, repository, tag, digest, missing, usedBy }) => [
        state,
        registry,
        repository,
        tag ?? '',
        digest ?? '',
        missing.join('; '),
        usedBy.map(({ source, where }) => `${source}: ${where}`).join('; '),
      ]),
    },
    // The document is complete whatever is shown.
    document: { schemaVersion: 'verify/v1', counts, references: verified.map(documentOf) },
    lines: verified.map(documentOf),
    names: shown.map(nameOf),
    below: [...(shown.length === 0 ? [] : ['']), sentence(counts)],
  }
}

function sentence({ whole, missing, broken }: Readonly<Record<VerifiedReference['state'], number>>): string {
  const all = whole + missing + broken
  if (all === 0) return 'No image of these registries is in use.'
  if (missing + broken === 0) return `${countOf(all, 'image')} in use, and every one can be pulled.`
  return `${countOf(all, 'image')} in use: ${whole} whole, ${missing} missing, ${broken} with parts missing.`
}

function count(verified: readonly VerifiedReference[], state: VerifiedReference['state']): number {
  return verified.filter((line) => line.state === state).length
}

function nameOf({ registry, repository, tag, digest }: VerifiedReference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

function missingText({ missing }: VerifiedReference): string {
  const [first = ''] = missing
  return missing.length > 1 ? `${first} and ${missing.length - 1} more` : first
}

function usesText({ usedBy }: VerifiedReference): string {
  const [first] = usedBy
  if (first === undefined) return ''
  const text = `${first.where} (${first.source})`
  return usedBy.length > 1 ? `${text} and ${usedBy.length - 1} more` : text
}

function documentOf({ tag, digest, ...line }: VerifiedReference): object {
  return { ...line, tag: tag ?? null, digest: digest ?? null }
}
