/** A state in a folder of its own, for tests. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openState, type State } from '../../src/adapters/journal/open-state.ts'
import { createNodeEngine } from '../../src/adapters/journal/sqlite/node-engine.ts'
import type { Opened } from '../conformance/journal-store.ts'

/** The engines this Node can run; WINNOW_STATE_ENGINES narrows them. */
export const engines: readonly ('node' | 'wasm')[] = (
  createNodeEngine() === undefined ? (['wasm'] as const) : (['node', 'wasm'] as const)
).filter((engine) => (process.env['WINNOW_STATE_ENGINES'] ?? engine).split(',').includes(engine))

export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'winnow-state-'))
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** Opens one part of a fresh state, for a conformance suite. */
export function opens<T>(engine: 'node' | 'wasm', part: (state: State) => T): () => Promise<Opened<T>> {
  return async () => {
    const directory = temporaryDirectory()
    const states = [await openState(directory.path, { engine })]
    const [first] = states
    if (first === undefined) throw new Error('no state')
    return {
      store: part(first),
      async reopen() {
        const again = await openState(directory.path, { engine })
        states.push(again)
        return part(again)
      },
      async close() {
        await Promise.all(states.map((state) => state.close()))
        directory.remove()
      },
    }
  }
}
