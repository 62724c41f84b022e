import { importers } from '../../core/import/importers.ts'
import type { CommandSpec } from '../command.ts'

export const importSpec: CommandSpec = {
  name: 'import',
  summary: "turn another system's policy into a winnow.yaml",
  description: `Reads the retention policy of another system and prints a commented winnow.yaml that decides alike. Where it cannot, it keeps more, and a warning on stderr says so; what it cannot read is refused, and nothing is printed. Nothing is asked and nothing is changed.\n\nSystems: ${importers.map(({ system }) => system).join(', ')}. docs/import has a page for each. -o matters only with --compare.`,
  arguments: [
    { usage: '<system>', description: 'whose policy it is' },
    { usage: '<file>', description: 'the policy as the system has it; - reads standard input' },
  ],
  options: [
    {
      flags: '--compare <file>',
      description:
        'print no configuration, but what the source says it would delete (preview, dry run, log) beside what the imported rules do; needs --inventory',
    },
    {
      flags: '--inventory <file>',
      description: 'with --compare: the inventory to plan on',
      repeatable: true,
    },
    { flags: '--evidence <file>', description: 'with --compare: what is in use', repeatable: true },
    {
      flags: '--now <time>',
      description: 'with --compare: measure ages from this time (RFC 3339)',
      default: 'now',
    },
  ],
  examples: [
    { line: 'winnow import ecr policy.json > winnow.yaml', does: 'takes over an ECR lifecycle policy' },
    {
      line: 'winnow import werf werf.yaml > winnow.yaml',
      does: 'takes over the cleanup section of werf.yaml',
    },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  endsOnSignals: true,
  load: async () => (await import('./import-body.ts')).importBody,
}
