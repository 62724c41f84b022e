/**
 * Stops a run that cannot succeed: a registry that refuses all deletions refuses the next one too, and one that fails
 * five times running is not helped by a sixth.
 */
import type { RegistryName } from '../core/image/names.ts'
import type { RefusalReason } from '../ports/mutable-registry.ts'

/** Failures one after the other, without a success in between, before the run stops at a registry. */
const failuresInRowMax = 5

/** Refusals that hold for the registry as a whole, not for one image. */
const wholeRegistry: ReadonlySet<RefusalReason> = new Set(['disabled', 'read-only'])

export class Breaker {
  readonly #open = new Map<RegistryName, string>()
  readonly #failures = new Map<RegistryName, number>()

  /** Why nothing more may be begun at this registry; undefined while all is well. */
  whyOpen(registry: RegistryName): string | undefined {
    return this.#open.get(registry)
  }

  succeeded(registry: RegistryName): void {
    this.#failures.delete(registry)
  }

  refused(registry: RegistryName, reason: RefusalReason, text: string): void {
    if (wholeRegistry.has(reason)) this.#open.set(registry, `not begun: ${text}`)
    else this.failed(registry, text)
  }

  failed(registry: RegistryName, text: string): void {
    const failures = (this.#failures.get(registry) ?? 0) + 1
    this.#failures.set(registry, failures)
    if (failures >= failuresInRowMax) {
      this.#open.set(registry, `not begun: stopped after ${failures} failures in a row, the last: ${text}`)
    }
  }
}
