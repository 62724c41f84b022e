/**
 * How long the command takes to start, beside bare Node; the runs alternate, so that whatever else the machine does
 * concerns both.
 *
 *   npm run bench -- start-up [RUNS]        (30 runs of each unless told)
 */
import { fileURLToPath } from 'node:url'
import { median, report, run } from './measure.ts'

const runs = Number(process.argv[2] ?? 30)
const main = fileURLToPath(new URL('dist/cli/main.js', import.meta.url))
const commands = {
  'node -e 0': ['-e', '0'],
  'winnow --version': [main, '--version'],
  'winnow --help': [main, '--help'],
  'winnow plan --help': [main, 'plan', '--help'],
} as const

const seconds = new Map<string, number[]>(Object.keys(commands).map((name) => [name, []]))
for (let round = 0; round < runs + 2; round += 1) {
  for (const [name, args] of Object.entries(commands)) {
    const ran = await run(process.execPath, args)
    // The first two rounds bring files into the page cache.
    if (round >= 2) seconds.get(name)?.push(ran.seconds)
  }
}
const bare = median(seconds.get('node -e 0') ?? [])
const ratioOf = (name: string): number => median(seconds.get(name) ?? []) / bare
report({
  title: `Start-up, median of ${runs} alternating runs`,
  rows: [...seconds].map(([name, all]) => ({
    command: name,
    'median ms': (median(all) * 1000).toFixed(1),
    'fastest ms': (Math.min(...all) * 1000).toFixed(1),
    'beside node': `${ratioOf(name).toFixed(2)}×`,
  })),
  budgets: [
    {
      name: 'winnow --version',
      value: `${ratioOf('winnow --version').toFixed(2)}×`,
      budget: '1.5× of node -e 0',
      met: ratioOf('winnow --version') <= 1.5,
    },
  ],
})
