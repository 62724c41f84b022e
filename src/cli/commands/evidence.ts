import type { CommandSpec } from '../command.ts'

export const evidenceSpec: CommandSpec = {
  name: 'evidence',
  summary: 'show what is in use, and where',
  description:
    'Asks the configured sources (clusters, Helm releases, reference files) which images are in use, and prints the answer. As JSON it is an evidence file: what an agent in a closed network saves, winnow plan --evidence reads. With --references it reads reference files alone, and needs no configuration.',
  options: [
    {
      flags: '--references <file>',
      description: 'read this file of references, one a line, and ask nobody else',
      repeatable: true,
    },
    {
      flags: '--inventory <file>',
      description: 'an inventory file, to recognise references whose repository and tag stand apart',
      repeatable: true,
    },
    { flags: '--out <file>', description: 'save the evidence (evidence/v1) to this file as well' },
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
    { line: 'winnow evidence -o json > evidence.json', does: 'saves what is in use, for planning elsewhere' },
    { line: 'winnow evidence --references keep.txt', does: 'checks a reference file line by line' },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  load: async () => (await import('./evidence-body.ts')).evidenceBody,
}
