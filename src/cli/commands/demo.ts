import type { CommandSpec } from '../command.ts'

export const demoSpec: CommandSpec = {
  name: 'demo',
  summary: 'try everything on a sample registry, in a folder of its own',
  description:
    'Writes a small registry, a cluster dump and a policy into a temporary folder, plans, explains, deletes, undoes, proves that every byte is back, and frees the bytes of what is deleted for good. It needs nothing but Node, opens no connection, and touches nothing of yours.',
  options: [
    { flags: '--dir <dir>', description: 'use this folder, which must be empty or absent, and keep it' },
    { flags: '--keep', description: 'keep the temporary folder, to play with it' },
  ],
  examples: [
    { line: 'winnow demo --dir sample', does: 'leaves the sample world in ./sample for your own tries' },
  ],
  formats: ['table'],
  load: async () => (await import('./demo-body.ts')).demoBody,
}
