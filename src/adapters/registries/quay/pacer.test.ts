/** Requests to Quay's public API begin one after the other. */
import { expect, it } from 'vitest'
import { InterruptedError } from '../../../core/errors/errors.ts'
import { Pacer } from './pacer.ts'

it('lets requests begin no faster than it says, whoever asks', async () => {
  const pacer = new Pacer(30)
  const before = performance.now()
  const begun = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      await pacer.turn(undefined)
      return performance.now() - before
    }),
  )
  // Timers of Node may fire a millisecond early.
  expect(begun[0]).toBeLessThan(25)
  expect(begun[3]).toBeGreaterThanOrEqual(87)
})

it('ends a wait when the run is aborted', async () => {
  const pacer = new Pacer(60_000)
  await pacer.turn(undefined)
  const abort = new AbortController()
  const waiting = pacer.turn(abort.signal)
  abort.abort()
  await expect(waiting).rejects.toBeInstanceOf(InterruptedError)
})

it('holds nobody up where there is no pace', async () => {
  const pacer = new Pacer(0)
  const before = performance.now()
  for (let each = 0; each < 1000; each += 1) await pacer.turn(undefined)
  expect(performance.now() - before).toBeLessThan(500)
})
