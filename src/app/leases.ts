/**
 * Leases around work: taken for every registry in the order of their names, so that two runs never wait for each
 * other, and given back whatever happens.
 */
import { OperationalError } from '../core/errors/errors.ts'
import type { RegistryName } from '../core/image/names.ts'
import type { Lease, LeaseStore, LeaseTiming } from '../ports/lease.ts'
import type { RunOptions } from '../ports/run-options.ts'

/** A dead holder's lease is free again after `ttlMs`; waiting a little longer than that outlives any of them. */
const timing: LeaseTiming = { ttlMs: 12_000, renewMs: 3_000, waitMs: 16_000 }

/** Another run works on the registry. */
export class LeaseHeldError extends OperationalError {
  readonly code = 'LEASE_HELD'
  readonly hint =
    'Wait for that run to end, then try again. If its process is dead, its lease ends by itself within 30 seconds.'

  constructor(registry: RegistryName, holder: string) {
    super(`Another run (${holder}) works on ${registry}. One run at a time may change a registry.`)
  }
}

/** The lease ran out while we worked: another run may have begun, so this one stops at once. */
export class LeaseLostError extends OperationalError {
  readonly code = 'LEASE_LOST'
  readonly hint = 'Run the command again; it settles what this run had begun.'

  constructor() {
    super(
      'The lease on the registry could not be renewed in time, so the run stopped before its next deletion.',
    )
  }
}

export interface HeldLeases {
  readonly registries: readonly RegistryName[]
  /** Aborts when a lease is lost, or the caller aborts. */
  readonly signal: AbortSignal
  /** The fencing token of a registry's lease. */
  fence(registry: RegistryName): number
  /** @throws LeaseLostError unless every lease is certainly still ours */
  assertHeld(): void
}

/**
 * Runs `work` under the leases of these registries.
 *
 * @throws LeaseHeldError when a live run holds one of them
 */
export async function withLeases<T>(
  registries: readonly RegistryName[],
  holder: string,
  store: LeaseStore,
  options: RunOptions,
  work: (leases: HeldLeases) => Promise<T>,
): Promise<T> {
  const leases = new Map<RegistryName, Lease>()
  try {
    for (const registry of registries) {
      const lease = await store.acquire(registry, holder, timing, options)
      if (lease.kind === 'held') throw new LeaseHeldError(registry, lease.holder)
      leases.set(registry, lease)
    }
    return await work(heldLeases(leases, options))
  } finally {
    for (const lease of leases.values()) await lease.release()
  }
}

function heldLeases(leases: ReadonlyMap<RegistryName, Lease>, options: RunOptions): HeldLeases {
  const lost = [...leases.values()].map((lease) => lease.lost)
  return {
    registries: [...leases.keys()],
    signal: AbortSignal.any(options.signal === undefined ? lost : [options.signal, ...lost]),
    fence: (registry) => leases.get(registry)?.token ?? 0,
    assertHeld() {
      if (![...leases.values()].every((lease) => lease.isHeld())) throw new LeaseLostError()
    },
  }
}
