import type { CommandSpec } from '../command.ts'
import { budgetOption } from './plan.ts'

export const inventorySpec: CommandSpec = {
  name: 'inventory',
  summary: 'show what a registry holds',
  description:
    'Reads a registry and shows its repositories. As JSON it is an inventory file (inventory/v1), which winnow plan --inventory reads; such a file holds one registry. Nothing is changed.',
  arguments: [{ usage: '[registry]', description: 'its name in winnow.yaml; all of them when left out' }],
  options: [
    { flags: '--out <file>', description: 'save the inventory of one registry to this file as well' },
    budgetOption,
  ],
  examples: [
    { line: 'winnow inventory', does: 'shows every repository with its images, tags and size' },
    {
      line: 'winnow inventory prod -o json > prod.json',
      does: 'saves what the registry holds, for planning offline',
    },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  load: async () => (await import('./inventory-body.ts')).inventoryBody,
}
