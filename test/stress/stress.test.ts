/**
 * The stress of sweeping, in short: a minute each where CI=true, a quarter of one at a desk (WINNOW_STRESS_SECONDS). For hours
 * there is `npm run stress`.
 */
import { describe, expect, it } from 'vitest'
import { distributionBinaries } from '../servers/docker-registry.ts'
import { missing, titled, type BinaryName } from '../servers/find.ts'
import { readArguments, stress, tableOf } from './stress.ts'

const seconds = Number(process.env['WINNOW_STRESS_SECONDS'] ?? (process.env['CI'] === 'true' ? 60 : 15))
const seed = process.env['WINNOW_SEED'] ?? '1'

const setUps = [
  { registry: 'debian', cache: 'none' },
  { registry: 'v3', cache: 'redis' },
  { registry: 'debian', cache: 'inmemory' },
] as const

const timeout = seconds * 1000 + 180_000

describe.each(setUps)(
  'pushes, deletions and killed sweeps at $registry with cache $cache',
  ({ registry, cache }) => {
    const needs: readonly BinaryName[] = [
      distributionBinaries[registry],
      ...(cache === 'redis' ? (['redis-server'] as const) : []),
    ]

    it.skipIf(missing(...needs))(
      titled(`leave every accepted image whole (seed ${seed})`, ...needs),
      { timeout },
      async () => {
        const words = [
          '--minutes',
          String(seconds / 60),
          '--registry',
          registry,
          '--cache',
          cache,
          '--seed',
          seed,
        ]
        const result = await stress(readArguments(words))
        const table = tableOf([result])
        console.log(table)
        const { pushes, sweeps, broken, freedBeforeRestart } = result
        expect(broken, table).toEqual([])
        expect(sweeps.failures, table).toEqual([])
        expect(pushes.failedTwice, table).toBeLessThanOrEqual(pushes.attempts / 100)
        expect(sweeps.setAside, table).toBeGreaterThan(0)
        // A cache in memory opens the gate when it is gone, and not a moment sooner.
        if (cache === 'inmemory') expect(freedBeforeRestart, table).toBe(0)
        else expect(sweeps.freed, table).toBeGreaterThan(0)
      },
    )
  },
)

describe('this stress', () => {
  const needs = ['registry3', 'redis-server'] as const

  it.skipIf(missing(...needs))(
    titled('finds what a collector breaks that looks once and removes', ...needs),
    { timeout: 180_000 },
    async () => {
      const words = ['--minutes', '0.15', '--registry', 'v3', '--cache', 'redis', '--collector', 'naive']
      const result = await stress(readArguments(words))
      expect(result.broken.length, tableOf([result])).toBeGreaterThan(0)
    },
  )
})
