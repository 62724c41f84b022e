import type { CommandSpec } from '../command.ts'
import { inputOptions } from './plan.ts'

export const applySpec: CommandSpec = {
  name: 'apply',
  summary: 'apply a saved plan, or plan and ask',
  description:
    'Applies a plan: asks again what is in use, reads every tag again just before it acts, writes everything down first, and skips what has moved. Without a file it makes a plan, shows it and asks.',
  arguments: [{ usage: '[plan]', description: 'a plan saved by winnow plan --out' }],
  options: [
    { flags: '--yes', description: 'do not ask; limits hold all the same' },
    ...inputOptions.filter(({ flags }) => /--(without-evidence|accept|evidence) /.test(flags)),
  ],
  formats: ['table', 'json', 'ndjson', 'yaml'],
  finishesWhatBegan: true,
  load: async () => (await import('./apply-body.ts')).applyBody,
}
