import type { CommandSpec } from '../command.ts'

export const verifySpec: CommandSpec = {
  name: 'verify',
  summary: 'ask the registry for every image in use, and report the missing ones',
  description:
    'Asks the sources of evidence what is in use, and the registries for each of these images, down to the last layer. What cannot be pulled is reported with everything that uses it. Ends with 4 when something is missing, with 6 when a source did not answer in full. Nothing is changed.',
  options: [
    {
      flags: '--show <lines>',
      description: 'which lines to show',
      choices: ['missing', 'all'],
      default: 'missing',
    },
    {
      flags: '--evidence <file>',
      description: 'take the evidence from a file; no configured source is asked then',
      repeatable: true,
    },
    {
      flags: '--without-evidence <name>',
      description: 'leave a source of evidence out on purpose',
      repeatable: true,
    },
    {
      flags: '--accept <name>',
      description: 'accept what a source doubts about its own answer, by the name its message gives',
      repeatable: true,
    },
  ],
  examples: [
    { line: 'winnow verify', does: 'after an apply, proves that everything in use can still be pulled' },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  load: async () => (await import('./verify-body.ts')).verifyBody,
}
