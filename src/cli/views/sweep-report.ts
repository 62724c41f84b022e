/**
 * What a sweep would do or did: `sweep/v1` for machines. What people read is loaded when somebody asks for it
 * (sweep-report-text.ts): measuring the width of text takes longer to load than a plan that is made again.
 */
import type { SweepReport } from '../../core/sweep/sweep-report.ts'
import type { CommandContext } from '../command.ts'
import { writeDocument, writeLines } from './documents.ts'

export async function writeSweepReport(report: SweepReport, context: CommandContext): Promise<void> {
  const { output } = context.globals
  const { stdout } = context.terminal
  switch (output) {
    case 'json':
    case 'yaml':
      return writeDocument(output, sweepDocument(report), stdout)
    case 'ndjson':
      writeLines(report.actions, stdout)
      return
    case 'names':
    case 'csv':
    case 'markdown':
    case 'table':
    case 'wide':
    case 'html': {
      const { sweepText } = await import('./sweep-report-text.ts')
      for (const piece of sweepText(output, report, context)) stdout.write(piece)
    }
  }
}

/** `sweep/v1`. */
export function sweepDocument(report: SweepReport): Readonly<Record<string, unknown>> {
  const { registry, run, mode, fence, applied, complete, summary, actions, warnings } = report
  return {
    schemaVersion: 'sweep/v1',
    registry,
    run,
    mode,
    fence: new Date(fence).toISOString(),
    applied,
    complete,
    summary,
    actions,
    warnings,
  }
}
