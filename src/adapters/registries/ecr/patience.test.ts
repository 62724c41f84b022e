/** How long AWS is waited for. */
import { expect, it, vi } from 'vitest'
import type { HttpClock } from '../../http/http-types.ts'
import { makeResponse } from '../../http/response.ts'
import { Patience, ThrottledAnswer } from './patience.ts'

const url = 'https://api.ecr.eu-west-1.amazonaws.com/'

function throttled(): ThrottledAnswer {
  const answer = { status: 400, headers: new Map<string, string>(), body: Buffer.from('{}') }
  return new ThrottledAnswer(
    url,
    makeResponse(answer, url, () => url, 1),
  )
}

function clockAt(): { readonly clock: HttpClock; readonly slept: number[] } {
  const slept: number[] = []
  let now = 0
  const sleep: HttpClock['sleep'] = async (ms, signal) => {
    signal?.throwIfAborted()
    slept.push(ms)
    now += ms
  }
  return { clock: { now: () => now, sleep }, slept }
}

it('waits longer each time, says so, and gives up within a minute and a half', async () => {
  const { clock, slept } = clockAt()
  const waits: unknown[] = []
  let asked = 0
  const work = async (): Promise<never> => {
    asked += 1
    throw throttled()
  }
  const waited = new Patience(clock).wait(work, { onEvent: (event) => waits.push(event) })
  await expect(waited).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    message: expect.stringContaining('8') as string,
  })
  expect(asked).toBe(8)
  expect(waits).toHaveLength(7)
  expect(slept.at(-1)).toBeGreaterThan(7000)
  expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(90_000)
})

it('holds up every request, since all of them count together', async () => {
  const wakes: (() => void)[] = []
  let now = 0
  const sleep = (): Promise<void> => new Promise((resolve) => wakes.push(resolve))
  const patience = new Patience({ now: () => now, sleep })
  const done: string[] = []
  let isFirst = true
  const refusedOnce = patience.wait(async () => {
    if (isFirst) {
      isFirst = false
      throw throttled()
    }
    done.push('refused once')
  })
  await vi.waitFor(() => expect(wakes).toHaveLength(1))
  const later = patience.wait(async () => void done.push('later'))
  await vi.waitFor(() => expect(wakes).toHaveLength(2))
  expect(done).toEqual([])
  now = 60_000
  for (const wake of wakes) wake()
  await Promise.all([refusedOnce, later])
  expect(done.toSorted()).toEqual(['later', 'refused once'])
})

it('ends at once when it is aborted', async () => {
  const { clock } = clockAt()
  const patience = new Patience(clock)
  const aborting = new AbortController()
  const work = async (): Promise<never> => {
    aborting.abort()
    throw throttled()
  }
  await expect(patience.wait(work, { signal: aborting.signal })).rejects.toMatchObject({
    code: 'INTERRUPTED',
  })
})

it('waits for nothing else', async () => {
  const { clock, slept } = clockAt()
  const failing = new Patience(clock).wait(async () => Promise.reject(new Error('other')))
  await expect(failing).rejects.toThrow('other')
  expect(slept).toEqual([])
})
