import type { CommandSpec } from '../command.ts'

export const doctorSpec: CommandSpec = {
  name: 'doctor',
  summary: 'check access, rights, clocks and the state store, each failure with its cure',
  description:
    'Checks everything a run will need: the configuration, the state store, each registry (credentials, listing, reading, the right to delete, clocks, what it can do), each cluster kind by kind, and each reference file. The right to delete is found out by asking to delete a tag that does not exist; in a registry that does not document its deletions, by an image without content that is pushed into a governed repository and deleted again. Ends with 1 when a check fails. Nothing else is changed.',
  options: [
    { flags: '--without-delete-probe', description: 'do not ask whether deletion is allowed' },
    {
      flags: '--show <lines>',
      description: 'which lines to show',
      choices: ['summary', 'all'],
      default: 'summary',
    },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  load: async () => (await import('./doctor-body.ts')).doctorBody,
}
