/** What a registry's own collector would be asked, or what became of it; as a document `collector/v1`. */
import type { CollectedStep, CollectReport, CollectState } from '../../app/collect-report.ts'
import { countOf, formatBytes, plain } from './format.ts'
import type { Listing } from './listing.ts'

/** The report as a list of its steps for every format. */
export function collectListing(report: CollectReport): Listing {
  const steps = report.steps.map(stepDocument)
  return {
    columns: [
      { heading: 'STEP', shrinkTo: 24 },
      { heading: 'STATE' },
      { heading: report.applied ? '' : 'ASKS' },
    ],
    rows: report.steps.map((step) => [
      plain(step.name),
      shownState(step),
      plain(report.applied ? step.text || freedText(step.freed) : step.asks),
    ]),
    csv: {
      headings: ['step', 'state', 'wasRunning', 'startedAt', 'endedAt', 'bytesFreed', 'text'],
      rows: report.steps.map(({ name, state, wasRunning, startedAt, endedAt, freed, text }) => [
        ...[name, state, `${wasRunning}`, instant(startedAt) ?? '', instant(endedAt) ?? ''],
        ...[freed.bytes === undefined ? '' : `${freed.bytes}`, text],
      ]),
    },
    document: collectDocument(report, steps),
    lines: steps,
    names: report.steps.map(({ name }) => name),
    below: ['', ...report.warnings.map((text) => `! ${plain(text)}`), ...conclusion(report)],
  }
}

type Document = Readonly<Record<string, unknown>>

/** `collector/v1`; what the product does not tell is absent. */
function collectDocument(report: CollectReport, steps: readonly Document[]): Document {
  const { registry, product, applied, state, startedAt, endedAt, freed, warnings } = report
  return {
    schemaVersion: 'collector/v1',
    ...{ registry, product, applied, state },
    ...{ startedAt: instant(startedAt), endedAt: instant(endedAt) },
    ...freedDocument(freed),
    ...{ steps, warnings },
  }
}

function stepDocument(step: CollectedStep): Document {
  const { name, asks, state, wasRunning, text, startedAt, endedAt, freed } = step
  const times = { startedAt: instant(startedAt), endedAt: instant(endedAt) }
  return { name, asks, state, wasRunning, text, ...times, ...freedDocument(freed) }
}

function freedDocument({ bytes, blobs, manifests }: CollectReport['freed']): Document {
  return { bytesFreed: bytes, blobsFreed: blobs, manifestsFreed: manifests }
}

function instant(at: number | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString()
}

const states: Readonly<Record<CollectState, string>> = {
  planned: 'planned',
  done: 'done',
  failed: 'FAILED',
  stopped: 'stopped',
  running: 'still runs',
  unknown: 'unknown',
  'not-begun': 'not begun',
}

function shownState({ state, wasRunning }: CollectedStep): string {
  return wasRunning ? `${states[state]} (followed)` : states[state]
}

function freedText({ bytes, blobs, manifests }: CollectReport['freed']): string {
  const what = [
    ...(blobs === undefined ? [] : [countOf(blobs, 'blob')]),
    ...(manifests === undefined ? [] : [countOf(manifests, 'manifest')]),
  ].join(' and ')
  if (bytes === undefined) return what === '' ? '' : `freed ${what}`
  return `freed ${formatBytes(bytes)}${what === '' ? '' : ` (${what})`}`
}

function conclusion(report: CollectReport): readonly string[] {
  const { registry, product, applied, state, freed } = report
  if (!applied)
    return [
      `${product} would be asked for this; nothing was changed.`,
      `Do it:  winnow sweep ${registry} --registry-collector --apply`,
    ]
  if (state !== 'done') return []
  return [`Done: ${freedText(freed) || `${product} does not tell how much was freed`}.`]
}
