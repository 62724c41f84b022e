/** How a sweep's report ends for people. */
import { expect, it } from 'vitest'
import type { Digest } from '../../core/image/digest.ts'
import { emptySummary, type SweepAction, type SweepReport } from '../../core/sweep/sweep-report.ts'
import type { CommandContext } from '../command.ts'
import { sweepText } from './sweep-report-text.ts'

const setAside = ['ab', 'cd'].map((two): SweepAction => {
  const digest = `sha256:${two.repeat(32)}` as Digest
  return { kind: 'set-aside', digest, sizeBytes: 1024, reason: 'no linked manifest refers to it' }
})

function ending(
  report: Partial<SweepReport>,
  { isStopped = false, restore }: { readonly isStopped?: boolean; readonly restore?: string } = {},
): string {
  const stop = isStopped ? AbortSignal.abort() : new AbortController().signal
  const context = {
    options: { text: (name: string) => (name === 'restore' ? restore : undefined) },
    globals: { output: 'markdown' },
    run: { stop },
  } as unknown as CommandContext
  const whole: SweepReport = {
    registry: 'onprem',
    run: 'r-1',
    mode: 'online',
    fence: 0,
    applied: true,
    complete: true,
    summary: { ...emptySummary, blobs: 9, blobsMarked: 4, blobsGarbage: 5, bytesGarbage: 5120, setAside: 2 },
    actions: setAside,
    warnings: [],
    ...report,
  }
  return [...sweepText('markdown', whole, context)].join('').split('\n\n').at(-1)?.split('|\n').at(-1) ?? ''
}

it('says what was done, with the bytes of what was set aside and not of all that could be', () => {
  expect(ending({})).toBe('Done: set aside 2 blobs (2 KiB).\nPut back:  winnow sweep onprem --restore r-1\n')
})

it('says of a run that was told to stop what stands and how to go on', () => {
  expect(ending({ complete: false }, { isStopped: true })).toBe(
    [
      'Interrupted. So far: set aside 2 blobs (2 KiB). What is set aside stays so, and the next run goes on from there.',
      'Go on:     winnow sweep onprem --apply',
      'Put back:  winnow sweep onprem --restore r-1',
      '',
    ].join('\n'),
  )
})

it('says of one that was told to stop before it did anything that nothing was changed', () => {
  const nothing = { summary: { ...emptySummary, blobs: 9 }, actions: [], complete: false }
  expect(ending(nothing, { isStopped: true })).toBe(
    'Interrupted before anything was changed.\nGo on:     winnow sweep onprem --apply\n',
  )
})

it('says nothing of it where the work was done before, or blobs were put back', () => {
  expect(ending({}, { isStopped: true })).toMatch(/^Done: /)
  expect(ending({ complete: false }, { isStopped: true, restore: 'r-0' })).toMatch(/^Done: /)
})
