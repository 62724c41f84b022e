/**
 * Fingerprints: what a plan was made from, so that anyone can tell whether two plans, or a plan and a registry, speak of
 * the same world. They do not depend on listing order, nor on when something was read.
 */
import type { Evidence } from '../evidence/evidence.ts'
import type { GitHistory } from '../git/git-history.ts'
import type { Digest } from '../image/digest.ts'
import { inventoryDocument } from '../inventory/inventory-file.ts'
import type { InstantMs, Inventory, ManifestRecord } from '../inventory/inventory.ts'
import type { Plan } from './plan.ts'

/** The SHA-256 digest of these texts, one after the other. */
export type Hash = (texts: Iterable<string>) => Digest

/**
 * Fingerprints of everything a plan is made from.
 *
 * @param policyText the canonical text of all configuration that bears on decisions
 */
export function fingerprintsOf(
  policyText: string,
  inventories: readonly Inventory[],
  evidence: Evidence,
  histories: Iterable<GitHistory>,
  hash: Hash,
): Plan['fingerprints'] {
  return {
    policy: hash([policyText]),
    inventory: hash(inventoryTexts(inventories)),
    evidence: hash(chain(evidenceTexts(evidence), historyTexts(histories))),
  }
}

/** The id of a plan: equal for equal plans, so that making one twice makes one plan. */
export function planId(fingerprints: Plan['fingerprints'], now: InstantMs, hash: Hash): string {
  const digest = hash([fingerprints.policy, fingerprints.inventory, fingerprints.evidence, String(now)])
  return `p-${digest.slice(digest.indexOf(':') + 1, digest.indexOf(':') + 13)}`
}

/** One repository at a time: the text of a million images need not exist at once. */
function* inventoryTexts(inventories: readonly Inventory[]): Iterable<string> {
  for (const inventory of inventories.toSorted((a, b) => compare(a.registry, b.registry))) {
    yield `registry ${inventory.registry}\n`
    for (const repository of inventory.repositories.toSorted((a, b) => compare(a.name, b.name))) {
      const repositories = [{ ...repository, manifests: repository.manifests.map(inAnyOrder) }]
      const document = inventoryDocument({ ...inventory, takenAt: 0, repositories })
      yield `${JSON.stringify(document['repositories'])}\n`
    }
  }
}

/** Lists whose order says nothing that a decision could go by. */
function inAnyOrder(manifest: ManifestRecord): ManifestRecord {
  return {
    ...manifest,
    children: manifest.children.toSorted(compare),
    layers: manifest.layers.toSorted((a, b) => compare(a.digest, b.digest)),
    commits: manifest.commits.toSorted(compare),
  }
}

function* evidenceTexts(evidence: Evidence): Iterable<string> {
  for (const source of evidence.sources.toSorted((a, b) => compare(a.name, b.name))) {
    yield `source ${JSON.stringify([source.name, source.complete, source.leftOut, source.identity ?? null])}\n`
    yield* source.references.map(({ reference, where }) => JSON.stringify([reference, where])).toSorted()
    yield* source.digests.map(({ digest, where }) => JSON.stringify([digest, where])).toSorted()
  }
}

/** References tell everything: a commit's id is a digest of its whole history. */
function* historyTexts(histories: Iterable<GitHistory>): Iterable<string> {
  for (const { name, references, graph, others } of [...histories].sort((a, b) => compare(a.name, b.name))) {
    yield `git ${JSON.stringify(name)}\n`
    yield* references
      .map((reference) =>
        JSON.stringify([
          reference.kind,
          reference.name,
          graph.idOf(reference.commit),
          reference.datedAt,
          reference.closedAt ?? null,
        ]),
      )
      .toSorted()
    yield* [...others].map((other) => JSON.stringify(other)).sort()
  }
}

function* chain(...parts: readonly Iterable<string>[]): Iterable<string> {
  for (const part of parts) yield* part
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
