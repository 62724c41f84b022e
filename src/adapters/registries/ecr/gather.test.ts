/** Calls that come together go together, and each gets its own outcome. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Gatherer } from './gather.ts'

const rules = { batchMax: 3, waitMs: 5 }

function recording(): { readonly gatherer: Gatherer<number, string>; readonly batches: string[] } {
  const batches: string[] = []
  const gatherer = new Gatherer<number, string>(rules, async (key, asks) => {
    batches.push(`${key}: ${asks.join(' ')}`)
    await delay(5)
    return asks.map((ask) => (ask === 13 ? new Error('unlucky') : `${key}${ask}`))
  })
  return { gatherer, batches }
}

it('keeps to the most that a request takes, and apart what cannot go together', async () => {
  const { gatherer, batches } = recording()
  const asked = [1, 2, 3, 4].map((ask) => gatherer.add('a', ask))
  expect(await Promise.all([...asked, gatherer.add('b', 1)])).toEqual(['a1', 'a2', 'a3', 'a4', 'b1'])
  expect(batches.toSorted()).toEqual(['a: 1 2 3', 'a: 4', 'b: 1'])
})

it('fails only the one that failed', async () => {
  const { gatherer } = recording()
  const outcomes = await Promise.allSettled([gatherer.add('a', 1), gatherer.add('a', 13)])
  expect(outcomes).toMatchObject([{ value: 'a1' }, { reason: { message: 'unlucky' } }])
})

it('sends one batch of a key after the other, also after one that failed', async () => {
  let running = 0
  let most = 0
  const gatherer = new Gatherer<number, string>(rules, async (_, asks) => {
    running += 1
    most = Math.max(most, running)
    await delay(10)
    running -= 1
    if (asks.includes(1)) throw new Error('boom')
    return asks.map(String)
  })
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map((ask) => gatherer.add('a', ask)))
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...['rejected', 'rejected', 'rejected'],
    ...['fulfilled', 'fulfilled'],
  ])
  expect(most).toBe(1)
})

it('sends nothing for a run that was aborted while it waited, and does not take other runs along', async () => {
  const { gatherer, batches } = recording()
  const aborting = new AbortController()
  const outcomes = [gatherer.add('a', 1, { signal: aborting.signal }), gatherer.add('a', 2)]
  aborting.abort()
  expect(await Promise.allSettled(outcomes)).toMatchObject([
    { status: 'rejected', reason: { code: 'INTERRUPTED' } },
    { status: 'fulfilled', value: 'a2' },
  ])
  expect(batches).toEqual(['a: 2'])
})
