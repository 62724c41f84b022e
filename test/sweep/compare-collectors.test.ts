/**
 * The registry's own collectors on the same trees: they show that the trees hold what they are said to hold, and that a
 * collector with the fault is caught by these tests.
 */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { distributionBinaries, type DistributionLine } from '../servers/docker-registry.ts'
import { missing, titled } from '../servers/find.ts'
import { collectFault } from './collectors.ts'
import { brokenIn, pushAgain, rememberDeleted } from './descriptor-cache.ts'
import { inWords } from './compare-collectors.ts'
import { faults } from './fault-trees.ts'
import { isTracing } from './strace.ts'
import { makeSweeper, removeProgram, type Sweeper } from './sweeper.ts'

/** What each line is known to lose, as its collector is asked in the fault's description. */
const known = [
  { line: 'debian', loses: ['F1', 'F2', 'F3', 'F4', 'F6', 'F11'] },
  { line: 'v3', loses: ['F2', 'F3', 'F6', 'F11'] },
] as const satisfies readonly { line: DistributionLine; loses: readonly string[] }[]

let sweeper: Sweeper
beforeEach(async () => {
  sweeper = await makeSweeper()
})
afterEach(() => sweeper.remove())
afterAll(removeProgram)

describe.each(known)("the collector of the registry's line $line", ({ line, loses }) => {
  const binary = distributionBinaries[line]
  const shown = faults.filter(({ id }) => loses.some((lost) => lost === id) && (id !== 'F3' || isTracing()))

  it.skipIf(missing(binary, 'docker-registry')).each(shown)(
    titled('loses what is needed in $id, $title', binary, 'docker-registry'),
    async (fault) => {
      const outcome = await collectFault(line, fault, sweeper)
      expect(outcome.lostBlobs + outcome.lostImages, inWords(outcome)).toBeGreaterThan(0)
    },
  )

  it.skipIf(missing(binary))(
    titled('makes a remembering registry accept what is gone (F8)', binary),
    async () => {
      const remembering = await rememberDeleted(line, sweeper.root)
      try {
        await remembering.server.collectGarbage()
        const { refused, broken } = await pushAgain(remembering)
        expect(refused).toBeUndefined()
        expect(broken).toBeDefined()
        expect(await brokenIn(remembering)).toBeDefined()
      } finally {
        await remembering.server.stop()
      }
    },
  )
})
