/** A state file of every older version opens, keeps what it held, and can do what the newest can. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openState } from '../../src/adapters/journal/open-state.ts'
import { Database } from '../../src/adapters/journal/sqlite/database.ts'
import { createWasmEngine } from '../../src/adapters/journal/sqlite/wasm-engine.ts'
import { createSqliteJournalStore } from '../../src/adapters/journal/sqlite/journal-store.ts'
import { stateApplicationId, stateMigrations } from '../../src/adapters/journal/sqlite/state-schema.ts'
import { thisProcess } from '../../src/adapters/journal/process-identity.ts'
import { digest, registry, repository, runRecord } from '../conformance/journal-store.ts'
import { engines, temporaryDirectory } from './open.ts'

const older = Array.from({ length: stateMigrations.length - 1 }, (_, n) => n + 1)

describe.each(engines)('migrations, with the engine %s', (engine) => {
  it.each(older)('bring version %i to the newest', async (version) => {
    const directory = temporaryDirectory()
    const old = await Database.open(join(directory.path, 'state.db'), {
      engine: createWasmEngine(),
      self: thisProcess(),
      applicationId: stateApplicationId,
      migrations: stateMigrations.slice(0, version),
    })
    await createSqliteJournalStore(old).beginRun(runRecord('r-old'))
    await old.close()
    const state = await openState(directory.path, { engine })
    expect((await state.journal.listRuns()).map((run) => run.id)).toEqual(['r-old'])
    await state.memory.rememberInUse(registry, [{ digest: digest(1), source: 's', where: 'w' }], 1)
    expect((await state.memory.seenInUse(registry, 0)).size).toBe(1)
    const link = { subject: digest(1), commit: 'a'.repeat(40) }
    expect(await state.links.rememberLinks(registry, repository, [link], 1)).toEqual([true])
    await state.proofs.rememberProof({ address: 'https://a', kind: 'k', at: 1, deletesTags: true })
    expect(await state.proofs.proofOf('https://a', 'k')).toMatchObject({ at: 1 })
    await state.close()
    directory.remove()
  })

  it('leave the old version whole when one fails', async () => {
    const directory = temporaryDirectory()
    const open = (migrations: typeof stateMigrations) =>
      Database.open(join(directory.path, 'state.db'), {
        engine: createWasmEngine(),
        self: thisProcess(),
        applicationId: stateApplicationId,
        migrations,
      })
    const failing = [
      ...stateMigrations,
      (connection: { exec(sql: string): void }) => {
        connection.exec('CREATE TABLE half (a); DROP TABLE runs; THIS IS NOT SQL')
      },
    ]
    await expect(open(failing)).rejects.toThrow(/syntax error/)
    const database = await open(stateMigrations)
    expect(await createSqliteJournalStore(database).listRuns()).toEqual([])
    await database.close()
    directory.remove()
  })
})
