import { expect, it } from 'vitest'
import type { PlanInput } from '../../core/plan/build-plan.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { freedWhen } from './freed-when.ts'

const input = {
  inventories: [
    { registry: 'hosted', capabilities: { freesBytes: 'by-itself' } },
    { registry: 'harbor', capabilities: { freesBytes: 'by-its-collector' } },
    { registry: 'onprem', capabilities: {} },
    { registry: 'file', capabilities: undefined },
  ],
} as unknown as PlanInput

it.each([
  { from: ['hosted'], says: 'within hours or days, by the registry itself' },
  { from: ['hosted', 'hosted'], says: 'within hours or days, by the registry itself' },
  { from: ['harbor'], says: "after the registry's own garbage collection" },
  { from: ['onprem'], says: 'after a sweep of the storage' },
  { from: ['file'], says: 'once they are swept or collected' },
  { from: ['elsewhere'], says: 'once they are swept or collected' },
  { from: ['onprem', 'hosted'], says: 'once they are swept or collected' },
  { from: [], says: 'once they are swept or collected' },
])('what is deleted from $from is freed $says', ({ from, says }) => {
  const actions = from.map((registry) => ({ kind: 'delete', registry }))
  const plan = { actions: [...actions, { kind: 'untag', registry: 'harbor' }] } as unknown as Plan
  expect(freedWhen(plan, input)).toBe(says)
})

it('nobody knows of a plan from a file', () => {
  const plan = { actions: [{ kind: 'delete', registry: 'onprem' }] } as unknown as Plan
  expect(freedWhen(plan, undefined)).toBe('once they are swept or collected')
})
