/**
 * What is known of a product beforehand. Where it is not known, the careful answer stands: a registry that may do more
 * than it is trusted with keeps an image too many.
 */
import type { Capabilities } from '../../../core/inventory/inventory.ts'

export interface RegistryTraits {
  /** How the driver names it: `CNCF Distribution 2.8`. */
  readonly product: string
  /** DELETE of a tag removes that tag and nothing else. */
  readonly deleteByTag: boolean
  readonly protectsChildren: boolean
  readonly pageSizeMax: number | undefined
  /** Whether it deletes, where the product says so. @default unknown: only a deletion shows it */
  readonly deletes?: Capabilities['deletes']
  /** Deleting a digest removes its tags; where it does not, they are removed before. @default true */
  readonly deleteRemovesSiblings?: boolean
  /** What lost its tags is given out by its digest until the registry collects it. @default false */
  readonly collectsUntagged?: boolean
  /** The registry tells when things were pushed, and pulled. @default false */
  readonly pushTime?: boolean
  readonly pullTime?: boolean
}

/**
 * Any registry that speaks the distribution specification. What a DELETE of a tag does is not known there: some
 * registries delete the manifest behind it, with every sibling tag, so tags are not deleted one by one.
 */
export const genericTraits: RegistryTraits = {
  product: 'OCI registry',
  deleteByTag: false,
  protectsChildren: false,
  pageSizeMax: undefined,
}

/** zot 2: deletes single tags, refuses to delete the child of an index that stays. */
export const zotTraits: RegistryTraits = {
  product: 'zot',
  deleteByTag: true,
  protectsChildren: true,
  pageSizeMax: undefined,
}

/** Capabilities as the registry's API has them: no times, nothing untagged, undo by putting manifests back. */
export function capabilitiesOf(
  traits: RegistryTraits,
  found: { readonly referrersApi: boolean; readonly deletes: Capabilities['deletes'] },
): Capabilities {
  return {
    product: traits.product,
    deleteByTag: traits.deleteByTag,
    deleteRemovesSiblings: traits.deleteRemovesSiblings ?? true,
    deletes: found.deletes,
    listsUntagged: false,
    pushTime: traits.pushTime ?? false,
    pullTime: traits.pullTime ?? false,
    protectsChildren: traits.protectsChildren,
    ...(traits.collectsUntagged === true && { collectsUntagged: true }),
    referrersApi: found.referrersApi,
    undo: 'manifest-replay',
    pageSizeMax: traits.pageSizeMax,
    rateLimit: undefined,
  }
}
