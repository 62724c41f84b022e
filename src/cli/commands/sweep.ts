import type { CommandSpec } from '../command.ts'

export const sweepSpec: CommandSpec = {
  name: 'sweep',
  summary: 'free the bytes of a self-hosted registry that nothing refers to',
  description:
    'Reads the storage of a registry, marks every blob that a linked manifest needs, and shows the rest; nothing is changed. With --apply it sets the rest aside beside the running registry, marks again, puts back what a push has come to need meanwhile, and frees what has been set aside for long enough. In mode: maintenance the registry is stopped for it, the monitoring told before, and everything freed in one go.',
  arguments: [
    { usage: '[registry]', description: 'which registry; may be left out where only one has storage:' },
  ],
  options: [
    { flags: '--apply', description: 'do it; without this nothing is changed' },
    {
      flags: '--restore <run-or-digest>',
      description: 'put back what a sweep set aside: all of a run, or one blob',
    },
    {
      flags: '--grace <duration>',
      description: 'touch nothing younger than this',
      default: 'sweep.grace, 24h',
    },
    {
      flags: '--quarantine <duration>',
      description: 'free what was set aside longer ago than this',
      default: 'sweep.quarantine, 7d',
    },
    {
      flags: '--settle <duration>',
      description: 'wait this long after blobs were set aside before the mark that decides',
      default: 'sweep.settle, 10m',
    },
    { flags: '--every <duration>', description: 'with --apply: go on, and sweep again after this time' },
    { flags: '--stopped', description: 'say that the registry is not running, where Winnow cannot see it' },
    {
      flags: '--registry-restarted <time>',
      description: 'say when every process of the registry was last started (RFC 3339), for cache: inmemory',
    },
    {
      flags: '--registry-collector',
      description:
        'have Harbor or Nexus free the bytes by their own collector, and follow it; without --apply, say what would be asked',
    },
    { flags: '--detailed-exitcode', description: 'end with 2 when the plan has something to do' },
    {
      flags: '--show <lines>',
      description: 'which lines to show',
      choices: ['some', 'all'],
      default: 'some',
    },
  ],
  examples: [
    { line: 'winnow sweep', does: 'shows what could be freed' },
    { line: 'winnow sweep onprem --apply', does: 'sets it aside, and frees what was set aside a week ago' },
    { line: 'winnow sweep --apply --every 1h', does: 'goes on doing that, beside the registry' },
    {
      line: 'winnow sweep harbor --registry-collector --apply',
      does: 'has Harbor free what deleted images left behind',
    },
    { line: 'winnow sweep --restore r-20260131-045110-7f2a', does: 'puts back what that run set aside' },
  ],
  formats: ['table', 'wide', 'json', 'ndjson', 'yaml', 'markdown', 'csv', 'names'],
  finishesWhatBegan: true,
  load: async () => (await import('./sweep-body.ts')).sweepBody,
}
