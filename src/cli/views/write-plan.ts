/** One plan, in any of the formats that the command line has. */
import { planDocument } from '../../core/plan/plan-file.ts'
import type { Plan } from '../../core/plan/plan.ts'
import type { PlanInput } from '../../core/plan/build-plan.ts'
import type { OutputFormat } from '../command.ts'
import type { Output } from '../terminal.ts'
import { writeDocument, writeLines } from './documents.ts'
import { freedWhen } from './freed-when.ts'
import { nearMisses } from './near-misses.ts'
import { planView } from './plan-human.ts'
import { planCsv, planNames } from './plan-rows.ts'

export interface WritePlanOptions {
  readonly format: OutputFormat
  readonly output: Output
  readonly configName: string
  readonly showsAll: boolean
}

/**
 * Writes a plan.
 *
 * @param planned without its input (a plan from a file) the reasons are those of the plan alone
 */
export async function writePlan(
  planned: { readonly plan: Plan; readonly input?: PlanInput },
  { format, output, configName, showsAll }: WritePlanOptions,
): Promise<void> {
  const { plan, input } = planned
  const when = freedWhen(plan, input)
  switch (format) {
    case 'table':
    case 'wide': {
      const nearMiss = nearMisses(input)
      const isWide = format === 'wide'
      output.write(planView(plan, { output, configName, showsAll, isWide, nearMiss, freedWhen: when }))
      return
    }
    case 'json':
    case 'yaml':
      return writeDocument(format, planDocument(plan), output)
    case 'ndjson':
      writeLines(planNdjson(plan), output)
      return
    case 'csv':
      output.write(planCsv(plan, showsAll))
      return
    case 'names':
      output.write(planNames(plan))
      return
    case 'markdown': {
      const { planMarkdown } = await import('./plan-markdown.ts')
      output.write(planMarkdown(plan, { configName, showsAll, freedWhen: when }))
      return
    }
    case 'html': {
      const { planHtml } = await import('./plan-html.ts')
      output.write(planHtml(plan, { configName, freedWhen: when }))
      return
    }
  }
}

/** First the plan without its lines, then every line that goes, then every image that stays (`"kind":"keep"`). */
function* planNdjson(plan: Plan): Generator<object> {
  const { actions, kept, ...head } = planDocument(plan)
  yield head
  if (Array.isArray(actions)) yield* actions as readonly object[]
  if (Array.isArray(kept)) for (const each of kept as readonly object[]) yield { kind: 'keep', ...each }
}
