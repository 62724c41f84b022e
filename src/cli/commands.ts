/** The one table of commands, in the order the help lists them; adding a command is one line here. */
import type { CommandSpec } from './command.ts'
import { applySpec } from './commands/apply.ts'
import { evidenceSpec } from './commands/evidence.ts'
import { inventorySpec } from './commands/inventory.ts'
import { planSpec } from './commands/plan.ts'
import { policyCheckSpec } from './commands/policy-check.ts'
import { schemaSpec } from './commands/schema.ts'
import { verifySpec } from './commands/verify.ts'

export const commands: readonly CommandSpec[] = [
  inventorySpec,
  evidenceSpec,
  planSpec,
  applySpec,
  verifySpec,
  policyCheckSpec,
  schemaSpec,
]
