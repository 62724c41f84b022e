/** What an apply says of images that somebody else had removed before: done, and not its doing. */
import { createColors } from 'picocolors'
import { describe, expect, it } from 'vitest'
import type { ApplyReport, LineReport } from '../../app/apply.ts'
import type { Digest } from '../../core/image/digest.ts'
import type { RegistryName, RepositoryName, TagName } from '../../core/image/names.ts'
import type { RunId } from '../../core/journal/entry.ts'
import type { DeleteAction, Plan } from '../../core/plan/plan.ts'
import { applyListing } from './apply-report.ts'

function image(tag: string): DeleteAction {
  return {
    kind: 'delete',
    registry: 'prod' as RegistryName,
    repository: 'team/app' as RepositoryName,
    digest: `sha256:${tag.repeat(64)}` as Digest,
    tags: [tag as TagName],
    with: [],
    withTags: [],
    decidedBy: { policy: 'all', rule: 'unmatched', line: 1 },
    reasons: [],
    sizeBytes: undefined,
    imageBytes: 0,
    clock: undefined,
    notRestorable: undefined,
  }
}

function listingOf(lines: readonly LineReport[]) {
  const none = `sha256:${'0'.repeat(64)}` as Digest
  const counted = { images: 0, imagesKeep: 0, imagesDelete: 0, manifestsDelete: 0, tagsRemove: 0 }
  const plan: Plan = {
    id: 'plan',
    now: 0,
    expiresAt: 1,
    complete: true,
    fingerprints: { policy: none, inventory: none, evidence: none },
    summary: { ...counted, bytesFreed: 0, bytesApparent: 0 },
    actions: lines.map(({ action }) => action),
    kept: [],
    evidence: [],
    warnings: [],
    limitsBroken: [],
  }
  const report: ApplyReport = {
    run: 'r-1' as RunId,
    lines,
    outcome: 'done',
    manifestsDeleted: 2,
    settled: [],
  }
  return applyListing(report, plan, {
    colors: createColors(false),
    isWide: false,
    undoLine: 'winnow undo r-1',
  })
}

const deleted = (tag: string): LineReport => ({ action: image(tag), outcome: 'deleted', text: '' })
const gone = (tag: string): LineReport => ({
  ...deleted(tag),
  text: 'it was already gone',
  alreadyGone: true,
})

describe('images that were already gone', () => {
  it('are counted apart, and are no line that was not done', () => {
    const { below, document, rows } = listingOf([deleted('a'), deleted('b'), gone('c')])
    expect(below).toEqual(['Deleted 2 of 3 images (2 manifests) · 1 already gone', 'Undo:  winnow undo r-1'])
    expect(rows).toEqual([])
    expect(document).toMatchObject({
      counts: { deleted: 2, untagged: 0, alreadyGone: 1, drifted: 0, failed: 0, manifests: 2 },
      lines: [
        { outcome: 'deleted', text: '' },
        { outcome: 'deleted', text: '' },
        { outcome: 'deleted', text: 'it was already gone' },
      ],
    })
  })

  it('leave nothing to undo where there was nothing else', () => {
    expect(listingOf([gone('a')]).below).toEqual(['Deleted 0 of 1 image (2 manifests) · 1 already gone'])
  })

  it('are not spoken of where there were none', () => {
    expect(listingOf([deleted('a')]).below?.[0]).toBe('Deleted 1 image (2 manifests)')
  })
})
