import { describe, expect, it } from 'vitest'
import { invariant } from '../../core/errors/invariant.ts'
import { parseDigest, type Digest } from '../../core/image/digest.ts'
import type { Canary, Recollection } from './canary.ts'
import { writeCanaryNote, type NoteKeeper } from './canary-note.ts'
import { createInmemoryCache, RESTART_MARGIN_MS } from './inmemory-cache.ts'
import type { RegistryAddress } from './registry-blobs.ts'

const hour = 3_600_000
const now = Date.parse('2026-06-01T12:00:00Z')

describe('the gate of a cache in memory', () => {
  it('is closed where nothing tells of a restart, and says what would', async () => {
    const gate = await createInmemoryCache({ notes: keeper(), now: () => now }).gate()
    expect(gate).toMatchObject({
      kind: 'closed',
      cure: expect.stringContaining('--registry-restarted') as string,
    })
  })

  it('leaves a margin before a restart', async () => {
    const gate = await createInmemoryCache({
      notes: keeper(),
      now: () => now,
      restartedAt: now - hour,
    }).gate()
    expect(gate).toMatchObject({ kind: 'open', setAsideBefore: now - hour - RESTART_MARGIN_MS })
  })

  it('does not believe in a restart to come', async () => {
    const gate = await createInmemoryCache({
      notes: keeper(),
      now: () => now,
      restartedAt: now + hour,
    }).gate()
    expect(gate).toMatchObject({ kind: 'open', setAsideBefore: now - RESTART_MARGIN_MS })
  })

  it.each<{ name: string; answer: Recollection; before: number | undefined; next: number | undefined }>([
    {
      name: 'is closed while one of two remembers',
      answer: asked({ 'http://a': true, 'http://b': false }),
      before: undefined,
      // Of the one that has forgotten, the earlier time stays.
      next: now - 2 * hour,
    },
    {
      name: 'opens for the earlier of the two when both have forgotten',
      answer: asked({ 'http://a': false, 'http://b': false }),
      before: now - 3 * hour,
      next: now - 3 * hour,
    },
    {
      name: 'is closed when they cannot be asked, and the canary stays out',
      answer: { kind: 'failed', why: 'nobody answers' },
      before: undefined,
      next: now - 3 * hour,
    },
  ])('$name', async ({ answer, before, next }) => {
    const notes = await notesOf({ 'http://a': now - 3 * hour, 'http://b': now - 2 * hour })
    const gateWith = (recollection: Recollection) =>
      createInmemoryCache({ notes, now: () => now, canary: canaryOf(recollection) }).gate()
    expect(opening(await gateWith(answer))).toBe(before)
    const both = await gateWith(asked({ 'http://a': false, 'http://b': false }))
    expect(opening(both)).toBe(next)
  })

  it('takes no canary for proof that was set while there were other replicas', async () => {
    const notes = await notesOf({ 'http://a': now - hour })
    const canary = canaryOf(asked({ 'http://a': false, 'http://b': false }))
    expect((await createInmemoryCache({ notes, now: () => now, canary }).gate()).kind).toBe('closed')
  })
})

function opening(gate: { kind: string; setAsideBefore?: number }): number | undefined {
  return gate.setAsideBefore === undefined ? undefined : gate.setAsideBefore + RESTART_MARGIN_MS
}

function asked(remembers: Readonly<Record<string, boolean>>): Recollection {
  return { kind: 'asked', remembers: new Map(Object.entries(remembers)) }
}

function canaryOf(recollection: Recollection): Canary {
  const http: RegistryAddress['http'] = {
    stats: { requests: 0, retries: 0, tokenRequests: 0, waitedMs: 0, concurrency: 1 },
    request: async () => Promise.reject(new Error('nobody is asked here')),
    close: async () => {},
  }
  return {
    replicas: ['http://a', 'http://b'].map((baseUrl) => ({ baseUrl, http })),
    recall: async () => recollection,
    probe: async () => ({ kind: 'failed', why: 'not here' }),
  }
}

async function notesOf(times: Readonly<Record<string, number>>): Promise<NoteKeeper> {
  const notes = keeper()
  const rememberedAt = new Map(Object.entries(times))
  await writeCanaryNote(notes, { canary: { digest: someDigest(), rememberedAt }, restartedAfter: undefined })
  return notes
}

function keeper(): NoteKeeper {
  let kept: Uint8Array | undefined
  return { readNote: async () => kept, writeNote: async (bytes) => void (kept = bytes) }
}

function someDigest(): Digest {
  const digest = parseDigest(`sha256:${'a'.repeat(64)}`)
  invariant(digest, 'a digest is one')
  return digest
}
