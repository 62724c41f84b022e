/** The one table of commands, in the order the help lists them; adding a command is one line here. */
import type { CommandSpec } from './command.ts'
import { applySpec } from './commands/apply.ts'
import { completionSpec } from './commands/completion.ts'
import { demoSpec } from './commands/demo.ts'
import { doctorSpec } from './commands/doctor.ts'
import { evidenceSpec } from './commands/evidence.ts'
import { explainSpec } from './commands/explain.ts'
import { historySpec } from './commands/history.ts'
import { importSpec } from './commands/import.ts'
import { initSpec } from './commands/init.ts'
import { inventorySpec } from './commands/inventory.ts'
import { linkSpec } from './commands/link.ts'
import { planSpec } from './commands/plan.ts'
import { policyCheckSpec } from './commands/policy-check.ts'
import { schemaSpec } from './commands/schema.ts'
import { simulateSpec } from './commands/simulate.ts'
import { sweepSpec } from './commands/sweep.ts'
import { undoSpec } from './commands/undo.ts'
import { verifySpec } from './commands/verify.ts'

export const commands: readonly CommandSpec[] = [
  initSpec,
  doctorSpec,
  inventorySpec,
  evidenceSpec,
  planSpec,
  explainSpec,
  applySpec,
  historySpec,
  undoSpec,
  sweepSpec,
  linkSpec,
  verifySpec,
  simulateSpec,
  policyCheckSpec,
  importSpec,
  schemaSpec,
  completionSpec,
  demoSpec,
]
