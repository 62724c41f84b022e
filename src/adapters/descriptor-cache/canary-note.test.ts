import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../core/image/digest.ts'
import { invariant } from '../../core/errors/invariant.ts'
import { readCanaryNote, writeCanaryNote, type CanaryNote } from './canary-note.ts'

const digest = parseDigest(`sha256:${'a'.repeat(64)}`)
invariant(digest, 'a digest is one')

describe('a canary note', () => {
  it.each<{ readonly name: string; readonly note: CanaryNote }>([
    { name: 'of nothing', note: { canary: undefined, restartedAfter: undefined } },
    { name: 'of a restart', note: { canary: undefined, restartedAfter: 5 } },
    {
      name: 'of a canary and a restart',
      note: { canary: { digest, rememberedAt: new Map([['http://a', 7]]) }, restartedAfter: 5 },
    },
  ])('comes back as it was: $name', async ({ note }) => {
    let kept: Uint8Array | undefined
    const keeper = { readNote: async () => kept, writeNote: async (bytes: Uint8Array) => void (kept = bytes) }
    await writeCanaryNote(keeper, note)
    expect(await readCanaryNote(keeper)).toEqual(note)
  })

  it.each([
    { name: 'no JSON', text: '{' },
    { name: 'another format', text: '{"schemaVersion":"canary/v2","restartedAfter":5}' },
    { name: 'a time that is none', text: '{"schemaVersion":"canary/v1","restartedAfter":"today"}' },
    { name: 'a list', text: '[]' },
    {
      name: 'a digest that is none',
      text: '{"schemaVersion":"canary/v1","digest":"x","rememberedAt":{"a":1}}',
    },
    {
      name: 'a canary that nobody remembers',
      text: `{"schemaVersion":"canary/v1","digest":"${digest}","rememberedAt":{}}`,
    },
    {
      name: 'a replica without a time',
      text: `{"schemaVersion":"canary/v1","digest":"${digest}","rememberedAt":{"a":null}}`,
    },
  ])('proves nothing when it holds $name', async ({ text }) => {
    const keeper = { readNote: async () => Buffer.from(text), writeNote: async () => {} }
    expect(await readCanaryNote(keeper)).toEqual({ canary: undefined, restartedAfter: undefined })
  })
})
