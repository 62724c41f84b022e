/** Plans for tests, from repositories of labelled manifests and labels in use. */
import { createHash } from 'node:crypto'
import type { InUseMark, ResolvedEvidence } from '../../src/core/evidence/resolve-evidence.ts'
import type { Digest } from '../../src/core/image/digest.ts'
import type { RegistryName } from '../../src/core/image/names.ts'
import type { Inventory, ManifestRecord, RepositoryInventory } from '../../src/core/inventory/inventory.ts'
import { buildPlan, type PlanInput } from '../../src/core/plan/build-plan.ts'
import type { Hash } from '../../src/core/plan/fingerprints.ts'
import type { DeleteAction, KeptImage, Plan, UntagAction } from '../../src/core/plan/plan.ts'
import type { Policy, Rule } from '../../src/core/policy/policy.ts'
import { dayMs, digest, labelOf, now, repositoryName } from './images.ts'
import { policy, policySet } from './policies.ts'

export const prod = 'prod' as RegistryName

export const sha256: Hash = (texts) => {
  const sum = createHash('sha256')
  for (const text of texts) sum.update(text)
  return `sha256:${sum.digest('hex')}` as Digest
}

export function repository(
  name: string,
  manifests: readonly ManifestRecord[],
  given: Partial<RepositoryInventory> = {},
): RepositoryInventory {
  return { name: repositoryName(name), complete: true, problems: [], manifests, ...given }
}

export function inventory(
  repositories: readonly RepositoryInventory[],
  given: Partial<Inventory> = {},
): Inventory {
  return { registry: prod, takenAt: now, capabilities: undefined, repositories, ...given }
}

/** One witness for each label. */
export function inUse(...labels: readonly string[]): ReadonlyMap<Digest, readonly InUseMark[]> {
  return new Map(
    labels.map((label) => [digest(label), [{ source: 'kubernetes:eu', where: `Pod shop/${label}` }]]),
  )
}

export function resolvedAs(
  used: ReadonlyMap<Digest, readonly InUseMark[]>,
  heldRepositories: ResolvedEvidence['heldRepositories'] = new Map(),
): ResolvedEvidence {
  return { inUse: () => used, missing: [], foreign: [], heldRepositories }
}

export function planInput(
  manifests: readonly ManifestRecord[] | readonly RepositoryInventory[],
  given: Partial<PlanInput> = {},
): PlanInput {
  return {
    now,
    validForMs: dayMs,
    policySet: policySet(),
    inventories: [
      inventory(
        manifests.every(isRepository) ? manifests : [repository('team/app', manifests.filter(isManifest))],
      ),
    ],
    evidence: { takenAt: now, sources: [] },
    resolved: resolvedAs(new Map()),
    seenInUse: new Map(),
    fingerprints: { policy: digest('policy'), inventory: digest('inventory'), evidence: digest('evidence') },
    id: 'p-1',
    warnings: [],
    ...given,
  }
}

function isRepository(value: ManifestRecord | RepositoryInventory): value is RepositoryInventory {
  return 'manifests' in value
}

function isManifest(value: ManifestRecord | RepositoryInventory): value is ManifestRecord {
  return !isRepository(value)
}

/** A plan of one repository under one policy of these rules. */
export function planOfRules(
  manifests: readonly ManifestRecord[],
  rules: readonly Rule[],
  given: Partial<PlanInput> & { readonly policy?: Partial<Omit<Policy, 'repositories'>> } = {},
): Plan {
  const { policy: more = {}, ...rest } = given
  const set = rest.policySet ?? policySet()
  return buildPlan(
    planInput(manifests, { ...rest, policySet: { ...set, policies: [policy({ ...more, rules })] } }),
  )
}

export function deletesOf(plan: Plan): readonly DeleteAction[] {
  return plan.actions.filter((action) => action.kind === 'delete')
}

export function untagsOf(plan: Plan): readonly UntagAction[] {
  return plan.actions.filter((action) => action.kind === 'untag')
}

export function deletedLabels(plan: Plan): readonly string[] {
  return deletesOf(plan).map((action) => labelOf(action.digest))
}

export function keptLine(plan: Plan, label: string): KeptImage | undefined {
  return plan.kept.find((line) => line.digest === digest(label))
}

/** The kinds of reasons for which an image stays, `undefined` when it does not. */
export function whyKept(plan: Plan, label: string): readonly string[] | undefined {
  return keptLine(plan, label)?.reasons.map((reason) => reason.kind)
}
