/**
 * A process of its own that works on a state until it is done, or killed. The tests bundle and spawn it:
 *
 *     child.mjs MODE DIRECTORY ENGINE [ARGUMENT]
 */
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openState, type State } from '../../src/adapters/journal/open-state.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../src/core/image/names.ts'
import type { RunId } from '../../src/core/journal/entry.ts'

const [mode = '', directory = '', engine, argument = ''] = process.argv.slice(2)
const registry = 'prod' as RegistryName
const repository = 'team/app' as RepositoryName

/** What is on stdout was on disk before. */
function acknowledge(text: string): void {
  writeSync(1, `${text}\n`)
}

/** Saves manifests of run after run; `argument` keeps the runs of several processes apart. */
async function journal(state: State): Promise<void> {
  for (let n = 0; ; n += 1) {
    const id = `r-${argument}-${n}` as RunId
    await state.journal.beginRun({
      id,
      kind: 'apply',
      startedAt: n,
      registries: [registry],
      plan: '{}',
      undoOf: undefined,
    })
    await state.journal.save(
      id,
      Array.from({ length: 40 }, (_, k) => {
        const bytes = new Uint8Array(3_000 + ((n * 7 + k) % 3_000)).fill(n + k)
        bytes.set(new TextEncoder().encode(`${id} ${k}`))
        const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
        return { kind: 'manifest' as const, registry, repository, digest, mediaType: 'x', bytes, tags: [] }
      }),
    )
    acknowledge(id)
  }
}

/** Takes a lease and keeps it until killed. */
async function lease(state: State): Promise<void> {
  const taken = await state.leases.acquire('prod', 'child', { ttlMs: 15_000, renewMs: 5_000, waitMs: 0 })
  acknowledge(taken.kind === 'lease' ? String(taken.token) : 'held')
  setInterval(() => undefined, 1_000)
}

/** Remembers so many pushes one by one, beside whoever else does, and counts itself up in a shared row. */
async function contend(state: State): Promise<void> {
  const [offset, count] = argument.split(',').map(Number)
  for (let n = 0; n < (count ?? 0); n += 1) {
    const digest = `sha256:${((offset ?? 0) + n).toString(16).padStart(64, '0')}` as Digest
    await state.memory.rememberPushes(registry, [{ repository, digest, at: n }])
  }
  await state.close()
  acknowledge('done')
}

const state = await openState(directory, engine === 'node' || engine === 'wasm' ? { engine } : {})
acknowledge('open')
const modes: Readonly<Record<string, (state: State) => Promise<void>>> = { journal, lease, contend }
await modes[mode]?.(state)
