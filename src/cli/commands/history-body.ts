/** Lists the runs in the journal. It reads the state directory and nothing else, so it works without a configuration. */
import { composeState } from '../../compose.ts'
import { formatInstant } from '../../core/inventory/instant.ts'
import type { RunSummary, SweptBlobs } from '../../core/journal/entry.ts'
import type { CommandBody } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { composeOptions } from '../composing.ts'
import type { Output } from '../terminal.ts'
import { formatBytes, formatCount, formatMoment, unknownText } from '../views/format.ts'
import { writeListing, type Listing } from '../views/listing.ts'

export const historyBody: CommandBody = {
  async run(context) {
    const { globals, terminal } = context
    const state = await composeState(composeOptions(context))
    try {
      const runs = await state.journal.listRuns()
      const isHuman = globals.output === 'table' || globals.output === 'wide'
      if (runs.length === 0 && isHuman) terminal.stdout.write('No runs yet.\n')
      else await writeListing(globals.output, historyListing(runs, terminal.stdout), terminal.stdout)
      return exitCodes.done
    } finally {
      await state.close()
    }
  },
}

function historyListing(runs: readonly RunSummary[], { colors }: Pick<Output, 'colors'>): Listing {
  const documents = runs.map(runDocument)
  const counts = ({ counts: { deleted, untagged, restored, failed }, swept }: RunSummary) =>
    [deleted, untagged, restored + (swept?.restored ?? 0), failed].map(String)
  return {
    columns: [
      { heading: 'RUN' },
      { heading: 'STARTED' },
      { heading: 'KIND' },
      { heading: 'OUTCOME' },
      { heading: 'DID', shrinkTo: 16 },
      { heading: 'REGISTRIES', shrinkTo: 10, fromColumns: 90 },
      { heading: 'UNDO', fromColumns: 80 },
    ],
    rows: runs.map((run) => [
      run.id,
      formatMoment(run.startedAt),
      run.kind,
      { text: outcomeText(run), style: run.outcome === 'done' ? colors.green : colors.yellow },
      didText(run),
      run.registries.join(', '),
      wayBack(run),
    ]),
    csv: {
      headings: [
        ...['id', 'startedAt', 'finishedAt', 'kind', 'outcome', 'registries', 'undoOf'],
        ...['deleted', 'untagged', 'restored', 'failed', 'undoable'],
        ...sweptColumns,
      ],
      rows: runs.map((run) => [
        run.id,
        formatInstant(run.startedAt),
        run.finishedAt === undefined ? '' : formatInstant(run.finishedAt),
        run.kind,
        run.outcome,
        run.registries.join(' '),
        run.undoOf ?? '',
        ...counts(run),
        String(isUndoable(run)),
        ...sweptColumns.map((column) => String(run.swept?.[column] ?? '')),
      ]),
    },
    document: { schemaVersion: 'history/v1', runs: documents },
    lines: documents,
    names: runs.map(({ id }) => id),
  }
}

const sweptColumns = ['setAside', 'bytesSetAside', 'freed', 'bytesFreed'] as const

/** What takes a run back: for a sweep the storage's own journal knows what can be put back. */
function wayBack(run: RunSummary): string {
  if (run.undoOf !== undefined) return `of ${run.undoOf}`
  if (run.kind === 'sweep') return `winnow sweep ${run.registries.join(' ')} --restore ${run.id}`
  return isUndoable(run) ? `winnow undo ${run.id}` : ''
}

function runDocument(run: RunSummary): object {
  return {
    id: run.id,
    startedAt: formatInstant(run.startedAt),
    kind: run.kind,
    outcome: run.outcome,
    finishedAt: run.finishedAt === undefined ? null : formatInstant(run.finishedAt),
    registries: run.registries,
    undoOf: run.undoOf ?? null,
    counts: run.counts,
    swept: run.swept ?? null,
    undoable: isUndoable(run),
  }
}

/** A run that was cut off may have removed more than its outcomes tell; undoing it asks the registry. */
function isUndoable({ kind, outcome, counts }: RunSummary): boolean {
  if (kind !== 'apply') return false
  return counts.deleted + counts.untagged > 0 || outcome === 'open' || outcome === 'interrupted'
}

function outcomeText({ outcome }: RunSummary): string {
  return outcome === 'open' ? 'open (killed, or still running)' : outcome
}

function didText({ counts, swept, kind }: RunSummary): string {
  if (swept !== undefined) return sweptText(swept)
  // What one did that was killed stands in the storage it swept; this state knows only that it ran.
  if (kind === 'sweep' || kind === 'restore') return unknownText
  const told = (['deleted', 'untagged', 'restored', 'failed'] as const).flatMap((key) =>
    counts[key] === 0 ? [] : [`${formatCount(counts[key])} ${key}`],
  )
  return told.length === 0 ? 'nothing' : told.join(', ')
}

function sweptText(swept: SweptBlobs): string {
  const told = [
    { what: 'set aside', blobs: swept.setAside, bytes: swept.bytesSetAside },
    { what: 'restored', blobs: swept.restored, bytes: swept.bytesRestored },
    { what: 'freed', blobs: swept.freed, bytes: swept.bytesFreed },
  ].filter(({ blobs }) => blobs > 0)
  return told.length === 0
    ? 'nothing'
    : told.map(({ what, blobs, bytes }) => `${formatCount(blobs)} ${what} (${formatBytes(bytes)})`).join(', ')
}
