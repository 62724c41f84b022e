/**
 * The collector of a registry that frees its bytes by itself: asked to run, and followed to its end. Only `app/collect*` is
 * ever handed one (dependency-cruiser checks), because what it frees cannot be put back.
 *
 * Contract, beyond the types:
 * - `look` and `follow` change nothing.
 * - `begin` looks again first: a step that runs already is not asked for a second time, and its run is the one to follow.
 *   When it throws, either nothing began or what began shows as running in the next look.
 * - Which images are unused is decided by nobody here: a collector is asked for bytes that nothing refers to, never for
 *   images without a tag.
 * - `follow` tells an end only of the run that `begin` named.
 */
import type { RunOptions } from './run-options.ts'

export interface RegistryCollector {
  /** How people call the registry's product. */
  readonly product: string
  /** What would be asked, in this order. @throws when it cannot be asked at all, with what to do */
  look(options?: RunOptions): Promise<CollectorLook>
  /** @throws when the product refuses, with what to do */
  begin(step: CollectorStep, options?: RunOptions): Promise<CollectorRun>
  /** Looks at a run once. @throws what waiting does not cure */
  follow(run: CollectorRun, options?: RunOptions): Promise<CollectorState>
}

export interface CollectorLook {
  readonly steps: readonly CollectorStep[]
  /** What a person should know before it is done. */
  readonly warnings: readonly string[]
}

export interface CollectorStep {
  /** The product's own name of it. */
  readonly id: string
  /** `garbage collection`, `the task “docker gc”`. */
  readonly name: string
  /** The request that would be sent, or why none would be. */
  readonly asks: string
}

export interface CollectorRun {
  readonly step: CollectorStep
  /** By which the product tells its runs apart; opaque. */
  readonly key: string
  /** Somebody else had begun it. */
  readonly wasRunning: boolean
  /** What a person should know of it; none when there is nothing to say. */
  readonly warnings: readonly string[]
}

export type CollectorState =
  /** `said` is the product's own word: `Running`. */
  | { readonly kind: 'running'; readonly said: string }
  /** It was asked for, does not run, and no end of it is told. */
  | { readonly kind: 'resting'; readonly said: string }
  /** No answer just now; it may come back. */
  | { readonly kind: 'silent'; readonly why: string }
  | {
      readonly kind: 'ended'
      readonly how: 'done' | 'failed' | 'stopped'
      /** Why, where the product tells; else empty. */
      readonly text: string
      readonly freed: Freed
    }

/** As the product tells it; what it does not tell is undefined. */
export interface Freed {
  readonly bytes?: number | undefined
  readonly blobs?: number | undefined
  readonly manifests?: number | undefined
}
