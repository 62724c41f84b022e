import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dropProblems, type LastAnswer } from './drop-guard.ts'
import type { SourceEvidence } from './evidence.ts'

interface Sketch {
  readonly identity?: string | undefined
  readonly objects?: number
  readonly pods?: number | undefined
  readonly references?: number
}

function answer(sketch: Sketch = {}): SourceEvidence {
  const { identity, objects, pods, references } = {
    identity: 'uid-1',
    objects: 100,
    pods: 100,
    references: 100,
    ...sketch,
  }
  return {
    name: 'kubernetes:prod',
    complete: true,
    leftOut: false,
    identity,
    objects,
    pods,
    references: Array.from({ length: references }, (_, n) => ({
      reference: `r.example.com/a:${n}`,
      where: 'x',
    })),
    digests: [],
    problems: [],
  }
}

function accepts(last: LastAnswer | undefined, now: SourceEvidence): (string | undefined)[] {
  return dropProblems(last, now).map(({ accept }) => accept?.replace('kubernetes:prod/', ''))
}

const last: LastAnswer = { at: 1, identity: 'uid-1', objects: 100, pods: 100, references: 100 }

describe('dropProblems', () => {
  it.each([
    { name: 'the same answer is believed', now: {}, is: [] },
    { name: 'growth is believed', now: { pods: 300, objects: 900, references: 400 }, is: [] },
    { name: 'half is believed', now: { pods: 50, objects: 50, references: 50 }, is: [] },
    { name: 'less than half of the pods is doubted', now: { pods: 49 }, is: ['fewer-pods'] },
    {
      name: 'less than half of the references is doubted',
      now: { references: 49 },
      is: ['fewer-references'],
    },
    { name: 'less than half of the objects is doubted', now: { objects: 49 }, is: ['fewer-objects'] },
    { name: 'no pod at all is doubted once', now: { pods: 0 }, is: ['no-pods'] },
    { name: 'another cluster is doubted', now: { identity: 'uid-2' }, is: ['identity'] },
    { name: 'a cluster that hides its identity is doubted', now: { identity: undefined }, is: ['identity'] },
    { name: 'pods that are not counted are not fewer', now: { pods: undefined }, is: [] },
  ])('$name', ({ now, is }) => {
    expect(accepts(last, answer(now))).toEqual(is)
  })

  it.each([
    { name: 'twenty may go from a small cluster', before: 21, after: 1, is: [] },
    { name: 'twenty-one may not', before: 22, after: 1, is: ['fewer-pods'] },
  ])('$name', ({ before, after, is }) => {
    expect(accepts({ ...last, pods: before }, answer({ pods: after }))).toEqual(is)
  })

  it.each([
    { name: 'the first answer has nothing to be measured by', now: { references: 0, objects: 0 }, is: [] },
    { name: 'an empty cluster is doubted the first time too', now: { pods: 0 }, is: ['no-pods'] },
    { name: 'a source without pods may have none', now: { pods: undefined }, is: [] },
  ])('$name', ({ now, is }) => {
    expect(accepts(undefined, answer(now))).toEqual(is)
  })

  it('does not judge what was left out', () => {
    expect(dropProblems(last, { ...answer({ pods: 0, references: 0 }), leftOut: true })).toEqual([])
  })

  it('stops the plan and says what to write to go on', () => {
    const [problem] = dropProblems(last, answer({ pods: 0 }))
    expect(problem?.severity).toBe('incomplete')
    expect(problem?.text).toContain('\n--accept kubernetes:prod/no-pods')
  })

  it('never doubts a larger answer more than a smaller one', () => {
    const count = fc.integer({ min: 1, max: 200 })
    fc.assert(
      fc.property(count, count, count, (before, one, two) => {
        const [small, large] = one < two ? [one, two] : [two, one]
        const doubts = (pods: number): number =>
          dropProblems({ ...last, pods: before }, answer({ pods })).length
        expect(doubts(large)).toBeLessThanOrEqual(doubts(small))
      }),
    )
  })
})
