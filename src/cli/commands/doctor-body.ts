/** Prints what `app/doctor` found: one line a check, the cure below it. */
import { examine, type Check } from '../../app/doctor.ts'
import { composeExamination } from '../../compose-examination.ts'
import { lintConfiguration } from '../../config/lint.ts'
import type { Configuration } from '../../config/configuration.ts'
import type { CommandBody, CommandContext } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { readConfiguration } from '../load-configuration.ts'
import { composeOptions } from '../composing.ts'
import { countOf, plain } from '../views/format.ts'
import { writeListing, type Listing } from '../views/listing.ts'

export const doctorBody: CommandBody = {
  async run(context) {
    const configuration = await readConfiguration({ ...context, run: {} })
    const checks = [
      checkConfiguration(configuration),
      ...(await examine(
        {
          policySet: configuration.policySet,
          probesDeletion: !context.options.flag('withoutDeleteProbe'),
        },
        composeExamination(configuration, composeOptions(context)),
        context.run,
      )),
    ]
    const { output } = context.globals
    if (output === 'table' || output === 'wide') writeChecks(checks, context)
    else await writeListing(output, listingOf(checks), context.terminal.stdout)
    return checks.some(({ state }) => state === 'failed') ? exitCodes.error : exitCodes.done
  },
}

function checkConfiguration(configuration: Configuration): Check {
  const warnings = configuration.warnings.length + lintConfiguration(configuration).length
  const check = { subject: 'configuration', what: `read ${configuration.file}` }
  return warnings === 0
    ? { ...check, state: 'ok', text: 'no problems found', cure: undefined }
    : {
        ...check,
        state: 'warning',
        text: countOf(warnings, 'warning'),
        cure: 'They are told by:\n  winnow policy check',
      }
}

function writeChecks(checks: readonly Check[], { globals, options, terminal }: CommandContext): void {
  const isAll = globals.output === 'wide' || options.text('show') === 'all'
  const { write, colors } = terminal.stdout
  const marks = { ok: colors.green('ok  '), warning: colors.yellow('warn'), failed: colors.red('FAIL') }
  let subject = ''
  for (const check of isAll ? checks : folded(checks)) {
    if (check.subject !== subject)
      write(`${subject === '' ? '' : '\n'}${colors.bold(plain(check.subject))}\n`)
    subject = check.subject
    write(
      `  ${marks[check.state]}  ${plain(check.what)}${check.text === '' ? '' : `: ${indented(check.text, 8)}`}\n`,
    )
    if (check.cure !== undefined) write(`        ${indented(check.cure, 8)}\n`)
  }
  write(`\n${summaryOf(checks)}\n`)
}

/** Foreign text may have several lines; each stays below its check. */
function indented(text: string, columns: number): string {
  return text
    .split('\n')
    .map(plain)
    .join(`\n${' '.repeat(columns)}`)
}

/** The rights to list this and that kind, as far as they are there, in one line a cluster. */
function folded(checks: readonly Check[]): readonly Check[] {
  const isListing = ({ subject, state, what }: Check): boolean =>
    state === 'ok' && subject.startsWith('kubernetes ') && what.startsWith('list ')
  const counts = new Map<string, number>()
  for (const check of checks) {
    if (isListing(check)) counts.set(check.subject, (counts.get(check.subject) ?? 0) + 1)
  }
  const told = new Set<string>()
  return checks.flatMap((check) => {
    const count = counts.get(check.subject) ?? 0
    if (!isListing(check) || count < 2) return [check]
    if (told.has(check.subject)) return []
    told.add(check.subject)
    return [{ ...check, what: `list ${count} kinds` }]
  })
}

function summaryOf(checks: readonly Check[]): string {
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length
  const [failed, warnings] = [count('failed'), count('warning')]
  const all = countOf(checks.length, 'check')
  if (failed === 0 && warnings === 0) return `${all}, no problem found.`
  return `${all}: ${failed} failed, ${countOf(warnings, 'warning')}.`
}

function listingOf(checks: readonly Check[]): Listing {
  const cells = ({ subject, what, state, text, cure }: Check): readonly string[] => [
    state,
    subject,
    what,
    text,
    cure ?? '',
  ]
  const lines = checks.map((check) => ({ ...check, cure: check.cure ?? null }))
  return {
    columns: ['state', 'subject', 'check', 'found', 'cure'].map((heading) => ({ heading })),
    rows: checks.map(cells),
    csv: { headings: ['state', 'subject', 'check', 'found', 'cure'], rows: checks.map(cells) },
    document: {
      schemaVersion: 'doctor/v1',
      healthy: checks.every(({ state }) => state !== 'failed'),
      checks: lines,
    },
    lines,
    names: checks.flatMap(({ state, subject, what }) => (state === 'failed' ? [`${subject}: ${what}`] : [])),
  }
}
