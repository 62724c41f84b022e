import type { CommandSpec } from '../command.ts'

export const historySpec: CommandSpec = {
  name: 'history',
  summary: 'list past runs, and which of them can be undone',
  description:
    'Lists the runs of this state directory, the newest first: those that were killed, too. Nothing is asked of any registry.',
  examples: [{ line: 'winnow history -o json', does: 'prints history/v1, one entry a run' }],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  load: async () => (await import('./history-body.ts')).historyBody,
}
