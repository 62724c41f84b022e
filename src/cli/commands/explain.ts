import type { CommandSpec } from '../command.ts'
import { inputOptions } from './plan.ts'

export const explainSpec: CommandSpec = {
  name: 'explain',
  summary: 'tell why one image is kept or deleted',
  description:
    'Tells the whole story of one image: what decides, what each rule says of it, every time that is known, and what would change the outcome. Nothing is changed.',
  arguments: [
    {
      usage: '<reference>',
      description:
        'repository:tag, repository@digest, with a host or a registry before it, or a digest alone',
    },
  ],
  options: inputOptions,
  examples: [
    { line: 'winnow explain team/api:1.9.4', does: 'why this image is kept, or deleted' },
    { line: 'winnow explain sha256:1c2e4f6a…', does: 'the same for a digest as a plan prints it' },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml'],
  load: async () => (await import('./explain-body.ts')).explainBody,
}
