import type { CommandSpec } from '../command.ts'
import { budgetOption, inputOptions } from './plan.ts'

export const applySpec: CommandSpec = {
  name: 'apply',
  summary: 'apply a saved plan, or plan and ask',
  description:
    'Applies a plan: asks again what is in use, reads every tag again just before it acts, writes everything down first, and skips what has moved. Without a file it makes a plan, shows it and asks.',
  arguments: [{ usage: '[plan]', description: 'a plan saved by winnow plan --out' }],
  options: [
    { flags: '--yes', description: 'do not ask; limits hold all the same' },
    {
      flags: '--show <lines>',
      description: 'which lines of the plan to show',
      choices: ['deletes', 'all'],
      default: 'deletes',
    },
    ...inputOptions.filter(({ flags }) => /--(without-evidence|accept|evidence) /.test(flags)),
    budgetOption,
  ],
  examples: [
    { line: 'winnow apply', does: 'plans, shows the plan, asks, and deletes what it names' },
    { line: 'winnow apply plan.json --yes', does: 'applies a saved plan without asking, in a script' },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  finishesWhatBegan: true,
  load: async () => (await import('./apply-body.ts')).applyBody,
}
