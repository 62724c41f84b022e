/** Whether a plan may be applied at all, before anything is asked or touched. */
import { OperationalError } from '../core/errors/errors.ts'
import type { RegistryName } from '../core/image/names.ts'
import { formatInstant } from '../core/inventory/instant.ts'
import type { InstantMs } from '../core/inventory/inventory.ts'
import type { BrokenLimit, Plan } from '../core/plan/plan.ts'
import { counted } from '../core/words/counted.ts'

export interface ApplyLimits {
  /** The breaker of the configuration in force now; a plan made under a looser one is refused too. */
  readonly maxDeletions: number
}

/** The plan is too old, or speaks of registries that this configuration does not have. */
export class PlanUnfitError extends OperationalError {
  readonly code = 'PLAN_UNFIT'
  readonly hint = 'Make a new plan with:\n  winnow plan --out plan.json'
}

/** A limit of the configuration would be broken; `--yes` does not lift it. */
export class LimitError extends OperationalError {
  readonly code = 'LIMIT_REACHED'
  readonly hint: string
  override readonly category = 'limit'

  constructor(broken: readonly Pick<BrokenLimit, 'key' | 'text'>[]) {
    super(`${broken.map(({ text }) => text).join('\n')}\nNothing was deleted.`)
    const keys = [...new Set(broken.map(({ key }) => `limits.${key}`))].join(', ')
    this.hint = `Look at the plan with:\n  winnow plan --show all\nand if it is right, raise ${keys} in winnow.yaml for this run.`
  }
}

/**
 * Refuses a plan that is expired, over a limit, or about registries we do not have.
 *
 * @throws PlanUnfitError, LimitError
 */
export function refuseUnfit(
  plan: Plan,
  limits: ApplyLimits,
  now: InstantMs,
  known: ReadonlySet<RegistryName>,
): void {
  refuseBrokenLimits(plan)
  const deletions = plan.actions.filter((action) => action.kind === 'delete').length
  if (deletions > limits.maxDeletions) {
    throw new LimitError([
      {
        key: 'maxDeletions',
        text: `The plan deletes ${counted(deletions, 'image')}, and limits.maxDeletions allows ${limits.maxDeletions} in one run.`,
      },
    ])
  }
  if (now >= plan.expiresAt) {
    throw new PlanUnfitError(
      `The plan expired at ${formatInstant(plan.expiresAt)}; the registry has moved on since.`,
    )
  }
  const stranger = plan.actions.find((action) => !known.has(action.registry))
  if (stranger !== undefined) {
    throw new PlanUnfitError(
      `The plan is about a registry called ${stranger.registry}, which is not configured.`,
    )
  }
}

/** @throws LimitError when the plan breaks a limit */
export function refuseBrokenLimits(plan: Plan): void {
  if (plan.limitsBroken.length > 0) throw new LimitError(plan.limitsBroken)
}
