/** The one table of commands, in the order the help lists them; adding a command is one line here. */
import type { CommandSpec } from './command.ts'
import { applySpec } from './commands/apply.ts'
import { planSpec } from './commands/plan.ts'

export const commands: readonly CommandSpec[] = [planSpec, applySpec]
