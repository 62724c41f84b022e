import type { CommandSpec } from '../command.ts'

export const completionSpec: CommandSpec = {
  name: 'completion',
  summary: 'print a completion script for a shell',
  description: 'Prints a script that completes commands, options and their values in bash, zsh or fish.',
  arguments: [{ usage: '<shell>', description: 'bash, zsh or fish' }],
  examples: [
    {
      line: 'source <(winnow completion bash)',
      does: 'completes in this bash; put it into ~/.bashrc to stay',
    },
    { line: 'winnow completion zsh > "${fpath[1]}/_winnow"', does: 'completes in every new zsh' },
    {
      line: 'winnow completion fish > ~/.config/fish/completions/winnow.fish',
      does: 'completes in every new fish',
    },
  ],
  formats: ['table'],
  load: async () => (await import('./completion-body.ts')).completionBody,
}
