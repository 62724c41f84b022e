import type { CommandSpec } from '../command.ts'
import { inputOptions } from './plan.ts'

export const simulateSpec: CommandSpec = {
  name: 'simulate',
  summary: 'show the plan as it would be later',
  description:
    'Makes the plan that would be made at another time if nothing were pushed, deployed or removed until then. It cannot be saved and applied. Nothing is changed.',
  options: [
    { flags: '--at <time>', description: 'how much later (+30d), or when (RFC 3339)', default: '+30d' },
    {
      flags: '--show <lines>',
      description: 'which lines to show',
      choices: ['deletes', 'all'],
      default: 'deletes',
    },
    { flags: '--detailed-exitcode', description: 'end with 2 when the plan has deletions' },
    ...inputOptions.filter(({ flags }) => !flags.startsWith('--now')),
  ],
  examples: [{ line: 'winnow simulate --at +30d', does: 'what would be deleted in a month' }],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names', 'html'],
  load: async () => (await import('./simulate-body.ts')).simulateBody,
}
