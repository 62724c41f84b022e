/**
 * A maintenance window as a process of its own, wired as the command is, around a sweep that does as it is told. The
 * tests bundle and spawn it:
 *
 *     child.mjs FOLDER SWEEP
 *
 * FOLDER holds winnow.yaml with one registry; SWEEP is `ok`, `throw`, `until-told` (waits for the file `go`) or
 * `until-stopped` (waits for the first signal, and returns what it has).
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createMutableFileStore } from '../../src/adapters/storage/filesystem/write-files.ts'
import { maintenanceRecordIn } from '../../src/app/sweep-maintenance-record.ts'
import { formatMaintenanceLine } from '../../src/app/sweep-maintenance-log.ts'
import { recoverMaintenance, runInMaintenance } from '../../src/app/sweep-maintenance.ts'
import { exitCodeOf } from '../../src/cli/exit-codes.ts'
import { composeMaintenance } from '../../src/compose-maintenance.ts'
import { loadConfiguration } from '../../src/config/load.ts'
import { OperationalError } from '../../src/core/errors/errors.ts'
import type { RunOptions } from '../../src/ports/run-options.ts'

const [folder = '', sweep = 'ok'] = process.argv.slice(2)

const stop = new AbortController()
const abort = new AbortController()
let haltedBy: 'SIGTERM' | 'SIGINT' | undefined
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    haltedBy ??= signal
    if (stop.signal.aborted) abort.abort()
    stop.abort()
  })
}

async function work({ stop: stopped }: RunOptions): Promise<string> {
  if (sweep === 'throw') throw new RangeError('the sweep failed')
  while (sweep === 'until-told' && !existsSync(join(folder, 'go')) && stopped?.aborted !== true)
    await sleep(20)
  while (sweep === 'until-stopped' && stopped?.aborted !== true) await sleep(20)
  return 'swept'
}

async function main(): Promise<void> {
  const path = join(folder, 'winnow.yaml')
  const { registries } = loadConfiguration({ path, text: readFileSync(path, 'utf8') })
  const [settings] = registries.values()
  if (settings === undefined) throw new Error('There is no registry.')
  const record = maintenanceRecordIn(
    createMutableFileStore(join(folder, 'storage')),
    'winnow/maintenance.json',
  )
  const composed = await composeMaintenance(settings, record, {
    environment: process.env,
    version: 'test',
    readTls: async ({ tls }) => ({
      ...(tls.caFile !== undefined && { ca: readFileSync(tls.caFile, 'utf8') }),
      rejectUnauthorized: !tls.insecureSkipVerify,
    }),
    onLine: (line) => process.stderr.write(`${formatMaintenanceLine(line)}\n`),
    limits: { limitMs: 3_000, graceMs: 500 },
  })
  const timing = { startPausesMs: [100, 100, 100], healthMs: 4_000, healthPollMs: 50, silenceMs: 1_000 }
  const request = { registry: settings.name, run: 'r-1', timing }
  const options = { stop: stop.signal, signal: abort.signal }
  try {
    const recovered = await recoverMaintenance(request, composed.ports, options)
    if (recovered !== undefined) process.stdout.write(`recovered ${recovered.run}\n`)
    const result = await runInMaintenance(
      request,
      composed.ports,
      async (state) => `${await work(options)} ${state}`,
      options,
    )
    process.stdout.write(`${result}\n`)
  } finally {
    await composed.close()
  }
}

main().then(
  () => {
    process.exitCode = exitCodeOfHalt() ?? 0
  },
  (error: unknown) => {
    const { code, hint } = error instanceof OperationalError ? error : { code: 'INTERNAL', hint: '' }
    process.stderr.write(
      `error: ${error instanceof Error ? error.message : String(error)}\n${hint}\n(${code})\n`,
    )
    process.exitCode =
      exitCodeOfHalt() ?? (error instanceof OperationalError ? exitCodeOf(error.category) : 1)
    // A registry that is down outweighs the signal.
    if (code === 'MAINTENANCE_START_FAILED' || code === 'MAINTENANCE_UNHEALTHY') process.exitCode = 1
  },
)

function exitCodeOfHalt(): number | undefined {
  return haltedBy && { SIGINT: 130, SIGTERM: 143 }[haltedBy]
}
