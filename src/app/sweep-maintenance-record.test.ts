/** The note beside the storage: what is written can be read, and what cannot be understood still counts. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createMutableFileStore } from '../adapters/storage/filesystem/write-files.ts'
import type { MaintenanceNote } from '../ports/maintenance-record.ts'
import { maintenanceRecordIn, parseMaintenanceNote } from './sweep-maintenance-record.ts'

const folder = mkdtempSync(join(tmpdir(), 'winnow-note-'))
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const note: MaintenanceNote = {
  registry: 'onprem',
  run: 'r-1',
  beganAt: Date.UTC(2026, 10, 25, 3),
  backCommand: 'systemctl start docker-registry',
  downtimes: [
    { name: 'icinga2', begun: { id: 'a!b!c', what: 'downtime of "a!b"', until: 5 } },
    { name: 'webhook', begun: { id: '', what: 'call', until: undefined } },
  ],
}

it('is there from begin to clear, as it was written', async () => {
  const record = maintenanceRecordIn(createMutableFileStore(folder), 'winnow/maintenance.json')
  expect(await record.read()).toBeUndefined()
  await record.clear()
  await record.begin(note)
  expect(await record.read()).toEqual(note)
  await record.clear()
  expect(await record.read()).toBeUndefined()
})

it.each(['', '{', 'null', '[]', '7', '{"downtimes":[null,7,{"name":"x"}],"beganAt":1e99,"run":3}'])(
  'counts as a note when it holds %s',
  (text) => {
    expect(parseMaintenanceNote(text)).toEqual({
      registry: 'unknown',
      run: 'unknown',
      beganAt: undefined,
      backCommand: '',
      downtimes: [],
    })
  },
)
