import type { CommandSpec } from '../command.ts'

export const undoSpec: CommandSpec = {
  name: 'undo',
  summary: 'put back what a run removed',
  description:
    'Shows what a run removed and can be put back, asks, and restores the same manifests, byte for byte, and their tags. It never takes anything away: a tag that has been given to another image since stays where it is. With references only those images come back.',
  arguments: [
    { usage: '<run>', description: 'a run, as winnow history lists it' },
    {
      usage: '[references...]',
      description: 'only these: repository:tag, repository@digest, a digest, or a repository',
    },
  ],
  options: [{ flags: '--yes', description: 'do not ask' }],
  examples: [
    { line: 'winnow undo r-20260131-045110-7f2a', does: 'puts back everything the run removed' },
    { line: 'winnow undo r-20260131-045110-7f2a team/web:pr-1481', does: 'puts back one image' },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  finishesWhatBegan: true,
  load: async () => (await import('./undo-body.ts')).undoBody,
}
