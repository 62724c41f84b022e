/**
 * Planning cannot delete: the compiler says so. `npm run check:types` reads this file and nothing runs it; every line
 * below `@ts-expect-error` must fail to compile, and compiling it after all is an error.
 */
import { plan, type PlanPorts } from '../../src/app/plan.ts'
import type { PlanRequest } from '../../src/app/plan.ts'
import type { EvidencePorts } from '../../src/app/gather-evidence.ts'
import { takeInventory, type InventoryPorts, type InventoryTarget } from '../../src/app/take-inventory.ts'
import type { MutableRegistry } from '../../src/ports/mutable-registry.ts'
import type { ReadableRegistry } from '../../src/ports/readable-registry.ts'

declare const request: PlanRequest
declare const ports: PlanPorts
declare const reader: ReadableRegistry
declare const writer: MutableRegistry

/** The methods of `T` that `U` has too, and that change a registry. */
type Deleting<T> = Extract<keyof T, 'untag' | 'deleteManifest' | 'putManifest'>
type Nothing<T extends never> = T

/** No port of a planner, and no registry it can reach through one, has a method that changes anything. */
export type NoneHere = [
  Nothing<Deleting<ReadableRegistry>>,
  Nothing<Deleting<PlanPorts['readers'][number]>>,
  Nothing<Deleting<InventoryTarget['registry']>>,
  Nothing<Deleting<PlanPorts>>,
  Nothing<Deleting<PlanPorts['sources'][number]>>,
  Nothing<Deleting<EvidencePorts>>,
  Nothing<Deleting<InventoryPorts>>,
]

/** The check itself can fail: a registry that may be changed is told by it. */
// @ts-expect-error -- it has all three
export type SomeThere = Nothing<Deleting<MutableRegistry>>

export function planner(): readonly unknown[] {
  return [
    plan(request, ports),
    // @ts-expect-error -- a registry to change is no registry to read
    plan(request, { ...ports, readers: [writer] }),
    // @ts-expect-error -- the planner takes no writers
    plan(request, { ...ports, writers: [writer] } satisfies PlanPorts),
    plan(request, {
      readers: [reader],
      sources: [],
      memory: undefined,
      now: ports.now,
      hash: ports.hash,
      // @ts-expect-error -- nor one by its own name
      registry: writer,
    }),
    plan(request, {
      readers: [reader],
      sources: [],
      memory: undefined,
      now: ports.now,
      hash: ports.hash,
      // @ts-expect-error -- nor a method that deletes
      deleteManifest: (): MutableRegistry => writer,
    }),
    // @ts-expect-error -- there is no flag that would make it do more
    plan({ ...request, apply: true } satisfies PlanRequest, ports),
    // @ts-expect-error -- nothing to be deleted by whoever is handed a reader
    reader.deleteManifest,
    // @ts-expect-error -- nor untagged
    reader.untag,
    // @ts-expect-error -- taking an inventory takes no writer either
    takeInventory([{ registry: writer, governed: (): boolean => true }], { now: ports.now }),
  ]
}
