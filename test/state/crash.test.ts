/** What a kill -9 leaves behind: everything that was acknowledged, nothing half, and nobody locked out. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { openState } from '../../src/adapters/journal/open-state.ts'
import { createNodeEngine } from '../../src/adapters/journal/sqlite/node-engine.ts'
import type { RegistryName, RepositoryName } from '../../src/core/image/names.ts'
import type { RunId } from '../../src/core/journal/entry.ts'
import { integrityOf } from './integrity.ts'
import { engines, temporaryDirectory } from './open.ts'
import { bundleChild, spawnChild } from './spawn-child.ts'

let script = ''
beforeAll(async () => {
  script = await bundleChild()
})

/** Kills that have to come in the middle of a transaction for the test to have shown anything. */
const interruptedMin = 3
const kills = Number(process.env['WINNOW_STATE_KILLS'] ?? 20)

describe.each(engines)('after kill -9, with the engine %s', (engine) => {
  it(`keeps what was acknowledged, whole, through ${kills} kills`, { timeout: 300_000 }, async () => {
    const directory = temporaryDirectory()
    const acknowledged: string[] = []
    let acknowledgedMin = 0
    let interrupted = 0
    // On a fast disk a transaction is short and few kills fall into one; then there are more kills.
    for (let n = 0; n < kills || (interrupted < interruptedMin && n < kills * 8); n += 1) {
      const child = spawnChild(script, ['journal', directory.path, engine, String(n)])
      // However slow the machine, some die with one run acknowledged, and some with more.
      const acknowledgements = 1 + (n % 3)
      acknowledgedMin += acknowledgements
      await child.said(1 + acknowledgements)
      // Prime steps spread the kills over every part of a transaction.
      await sleep((n * 7) % 41)
      await child.kill()
      acknowledged.push(...child.lines.slice(1))
      if (hasHotJournal(directory.path) || existsSync(join(directory.path, 'state.db.lock'))) interrupted += 1
    }
    expect(new Set(acknowledged).size).toBeGreaterThanOrEqual(acknowledgedMin)
    const state = await openState(directory.path, { engine })
    const runs = new Set((await state.journal.listRuns()).map((run) => String(run.id)))
    expect(acknowledged.filter((id) => !runs.has(id))).toEqual([])
    // The last two of each process: what came before them was committed long before the kill.
    for (const id of acknowledged.filter(
      (_, n) => acknowledged[n + 2]?.split('-')[1] !== acknowledged[n]?.split('-')[1],
    )) {
      const saved = (await state.journal.readRun(id as RunId))?.saved ?? []
      expect(saved).toHaveLength(40)
      for (const { digest, bytes } of saved) {
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest.slice(7))
      }
    }
    await state.close()
    expect(await integrityOf(join(directory.path, 'state.db'), engine)).toBe('ok')
    // Otherwise the kills came at idle moments, and this test proved nothing.
    expect(interrupted).toBeGreaterThanOrEqual(interruptedMin)
    expect(readdirSync(directory.path).filter((name) => name.includes('lock'))).toEqual([])
    directory.remove()
  })

  it('gives the lease of a killed process to the next one at once, with a higher token', async () => {
    const directory = temporaryDirectory()
    const child = spawnChild(script, ['lease', directory.path, engine])
    await child.said(2)
    const state = await openState(directory.path, { engine })
    const timing = { ttlMs: 15_000, renewMs: 5_000, waitMs: 10_000 }
    expect(await state.leases.acquire('prod', 'me', timing)).toMatchObject({ kind: 'held', holder: 'child' })
    await child.kill()
    const started = Date.now()
    const lease = await state.leases.acquire('prod', 'me', timing)
    expect(lease).toMatchObject({ kind: 'lease', token: Number(child.lines[1]) + 1 })
    expect(Date.now() - started).toBeLessThan(5_000)
    if (lease.kind === 'lease') await lease.release()
    await state.close()
    directory.remove()
  })

  it('loses nothing when several processes write at the same time', { timeout: 120_000 }, async () => {
    const directory = temporaryDirectory()
    // Each on an engine of its own choice, as after an upgrade of Node on one of two machines' schedules.
    const all: readonly string[] = createNodeEngine() === undefined ? ['wasm'] : ['wasm', 'node']
    const children = [0, 1, 2].map((n) =>
      spawnChild(script, ['contend', directory.path, all[n % all.length] ?? engine, `${n * 1_000},60`]),
    )
    expect(await Promise.all(children.map((child) => child.ended()))).toEqual([0, 0, 0])
    const state = await openState(directory.path, { engine })
    const pushes = await state.memory.recordedPushes('prod' as RegistryName, 'team/app' as RepositoryName)
    expect(pushes.size).toBe(180)
    await state.close()
    expect(await integrityOf(join(directory.path, 'state.db'), engine)).toBe('ok')
    directory.remove()
  })
})

/** A rollback journal whose header is not yet cleared: a transaction was cut off. */
function hasHotJournal(directory: string): boolean {
  const path = join(directory, 'state.db-journal')
  return existsSync(path) && (readFileSync(path)[0] ?? 0) !== 0
}
