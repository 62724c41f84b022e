import type { CommandSpec } from '../command.ts'

export const schemaSpec: CommandSpec = {
  name: 'schema',
  summary: 'print the JSON Schema of winnow.yaml or of a format',
  description:
    'Prints a JSON Schema (draft 2020-12): of winnow.yaml, for editors, or of a format that Winnow reads or writes: plan, inventory, evidence, apply, history, undo, sweep, collector, explain, verify, doctor, policy-check, import-comparison.',
  arguments: [{ usage: '[format]', description: 'which one (default: configuration)' }],
  options: [{ flags: '--out <file>', description: 'write it to this file instead' }],
  examples: [
    { line: 'winnow schema > winnow.schema.json', does: 'lets editors check and complete winnow.yaml' },
  ],
  formats: ['json', 'yaml'],
  load: async () => (await import('./schema-body.ts')).schemaBody,
}
