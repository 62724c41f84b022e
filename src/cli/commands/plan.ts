import type { CommandSpec, OptionSpec } from '../command.ts'

/** What a plan is made from; `explain`, `simulate` and `apply` take the same. */
export const inputOptions: readonly OptionSpec[] = [
  {
    flags: '--inventory <file>',
    description: 'plan from an inventory file instead of asking the registry; one file for each registry',
    repeatable: true,
  },
  {
    flags: '--evidence <file>',
    description: 'take the evidence from a file; no configured source is asked then',
    repeatable: true,
  },
  { flags: '--now <time>', description: 'measure ages from this time (RFC 3339)', default: 'now' },
  {
    flags: '--without-evidence <name>',
    description: 'leave a source of evidence out on purpose; the plan says so',
    repeatable: true,
  },
  {
    flags: '--accept <name>',
    description: 'accept what a source doubts about its own answer, by the name its message gives',
    repeatable: true,
  },
]

export const budgetOption: OptionSpec = {
  flags: '--time-budget <duration>',
  description:
    'end after this time with what is done; what was not reached is told, and the next run goes on from there',
}

export const planSpec: CommandSpec = {
  name: 'plan',
  summary: 'show what would be deleted, and why; changes nothing',
  description:
    'Reads the registries, asks what is in use, decides by the policies and shows what would be deleted, with a reason for every line. Nothing is changed.',
  options: [
    { flags: '--out <file>', description: 'save the plan for winnow apply' },
    { flags: '--detailed-exitcode', description: 'end with 2 when the plan has deletions' },
    {
      flags: '--show <lines>',
      description: 'which lines to show',
      choices: ['deletes', 'all'],
      default: 'deletes',
    },
    { flags: '--expires <duration>', description: 'how long the plan may be applied', default: '24h' },
    ...inputOptions,
    budgetOption,
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names', 'html'],
  load: async () => (await import('./plan-body.ts')).planBody,
}
