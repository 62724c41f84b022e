import type { CommandSpec } from '../command.ts'

export const policyCheckSpec: CommandSpec = {
  name: 'policy check',
  summary: 'check winnow.yaml, its meaning included',
  description:
    'Reads the configuration and tells every mistake at once, with file, line and column. What is valid and probably not meant (a rule that can never match, a habit from another tool) is a warning. Ends with 3 when there are mistakes. Asks nobody and changes nothing.',
  formats: ['table', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  load: async () => (await import('./policy-check-body.ts')).policyCheckBody,
}
