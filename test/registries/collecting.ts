/** A registry's collector under a clock that goes as fast as it is waited for; and the command line beside it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { createMemoryLeaseStore } from '../../src/adapters/journal/memory/lease.ts'
import type { CollectPorts } from '../../src/app/collect-ports.ts'
import { formatMaintenanceLine, maintenanceLog } from '../../src/app/sweep-maintenance-log.ts'
import { invariant } from '../../src/core/errors/invariant.ts'
import { InterruptedError } from '../../src/core/errors/errors.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import { winnow } from '../support/winnow-in-process.ts'
import type { RegistryLab } from './lab.ts'

export interface Collecting {
  readonly ports: CollectPorts
  /** Every pause, in milliseconds. */
  readonly pauses: readonly number[]
  /** The log, line by line. */
  readonly lines: readonly string[]
}

/** @param onPause called in each pause, with its number from 1 */
export function collecting(lab: RegistryLab, onPause: (round: number) => void = () => {}): Collecting {
  const { createCollector } = lab.opened
  invariant(createCollector !== undefined, 'the driver has no collector')
  const pauses: number[] = []
  const lines: string[] = []
  let at = Date.parse('2026-11-25T03:00:00Z')
  const clock = {
    now: () => at,
    elapsed: () => at,
    sleep: async (ms: number): Promise<void> => {
      at += ms
      pauses.push(ms)
      onPause(pauses.length)
    },
  }
  const ports: CollectPorts = {
    registry: 'test' as RegistryName,
    collector: createCollector(),
    leases: createMemoryLeaseStore(),
    holder: 'here:1',
    log: maintenanceLog(clock, (line) => lines.push(formatMaintenanceLine(line))),
    ...clock,
    sleep: async (ms, { signal }) => {
      await clock.sleep(ms)
      if (signal?.aborted === true) throw new InterruptedError()
    },
  }
  return { ports, pauses, lines }
}

export interface CollectingLine {
  readonly run: (words: readonly string[], halts?: Parameters<typeof winnow>[2]) => ReturnType<typeof winnow>
  readonly remove: () => Promise<void>
}

/** `winnow …words` with a configuration of this registry alone, under this name. */
export async function commandLineOver(
  name: string,
  registry: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<CollectingLine> {
  const folder = await mkdtemp(join(tmpdir(), 'winnow-collector-'))
  const config = join(folder, 'winnow.yaml')
  const policies = [{ name: 'all', repositories: ['**'], rules: [], unmatched: 'keep' }]
  await writeFile(config, JSON.stringify({ version: 1, registries: { [name]: registry }, policies }))
  return {
    run: (words, halts) =>
      winnow([...words, '--config', config, '--state', join(folder, 'state')], environment, halts),
    remove: () => rm(folder, { recursive: true }),
  }
}

/** Stands for any text with `part` in it. */
export function containing(part: string): unknown {
  return expect.stringContaining(part)
}
