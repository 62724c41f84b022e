/** What people read where there is one of a thing. */
import { expect, it } from 'vitest'
import { refuseUnfit } from '../../app/apply-fitness.ts'
import { SweepLostError } from '../../app/sweep-run.ts'
import type { Digest } from '../../core/image/digest.ts'
import type { RegistryName, RepositoryName } from '../../core/image/names.ts'
import type { RunId } from '../../core/journal/entry.ts'
import type { Plan } from '../../core/plan/plan.ts'
import { emptySummary } from '../../core/sweep/sweep-report.ts'
import type { CommandContext } from '../command.ts'
import { sweepText } from './sweep-report-text.ts'
import { undoListing } from './undo-report.ts'

const digest = `sha256:${'ab'.repeat(32)}` as Digest
const plain = (text: string): string => text
const colors = { green: plain, yellow: plain } as unknown as Parameters<typeof undoListing>[2]['colors']

it('one blob that is lost', () => {
  expect(new SweepLostError([digest]).message).toMatch(/^A blob .* is needed, and is no longer where it was/)
  expect(new SweepLostError([digest, digest]).message).toMatch(/^2 blobs .* are needed/)
})

it('one blob in a storage', () => {
  const report = {
    registry: 'onprem',
    run: 'r-1',
    mode: 'online',
    fence: 0,
    applied: false,
    complete: true,
    summary: { ...emptySummary, blobs: 1, blobsMarked: 1, manifests: 1 },
    actions: [],
    warnings: [],
  } as const
  const context = {
    options: { text: () => undefined },
    globals: { output: 'markdown' },
  } as unknown as CommandContext
  expect([...sweepText('markdown', report, context)].join('')).toContain(
    'onprem: 1 of 1 blob is needed by 1 manifest;',
  )
})

it('one line that an undo found to be there', () => {
  const line = {
    kind: 'manifest',
    registry: 'lab' as RegistryName,
    repository: 'team/app' as RepositoryName,
    digest,
    order: 0,
    unsettled: false,
  } as const
  const lines = [{ line, outcome: 'present', text: '' }] as const
  const { below } = undoListing({ run: 'r-2', undone: 'r-1' as RunId, lines, outcome: 'done' }, [], {
    colors,
    isWide: false,
  })
  expect(below).toEqual(['Put back 0 manifests and 0 tags · 1 was there already'])
})

it('one image that a plan deletes and no limit allows', () => {
  const plan = { limitsBroken: [], actions: [{ kind: 'delete' }] } as unknown as Plan
  expect(() => {
    refuseUnfit(plan, { maxDeletions: 0 }, 0, new Set())
  }).toThrow('deletes 1 image, and')
})
