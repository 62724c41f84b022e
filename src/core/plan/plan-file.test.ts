import { describe, expect, it } from 'vitest'
import { daysAgo, dayMs, digest, now, repositoryName } from '../../../test/builders/images.ts'
import { prod } from '../../../test/builders/plans.ts'
import type { TagName } from '../image/names.ts'
import { parsePlanFile, planDocument, PlanUnreadableError } from './plan-file.ts'
import type { Plan } from './plan.ts'

const line = { registry: prod, repository: repositoryName('team/app') }
const decidedBy = { policy: 'p', rule: 'unmatched', line: 9 }
const unmatched = { kind: 'unmatched' as const, text: 'no rule keeps it', line: 9 }

/** Everything a plan can hold, once told and once left open. */
const whole: Plan = {
  id: 'p-1',
  now,
  expiresAt: now + dayMs,
  complete: false,
  fingerprints: { policy: digest('p'), inventory: digest('i'), evidence: digest('e') },
  summary: {
    images: 4,
    imagesKeep: 2,
    imagesDelete: 2,
    manifestsDelete: 3,
    tagsRemove: 3,
    bytesFreed: 5,
    bytesApparent: 7,
  },
  actions: [
    {
      kind: 'delete',
      ...line,
      digest: digest('a'),
      tags: ['1', '2'] as TagName[],
      with: [digest('b')],
      withTags: [{ tag: 'x' as TagName, digest: digest('b') }],
      decidedBy,
      reasons: [unmatched],
      sizeBytes: 12,
      imageBytes: 34,
      clock: { kind: 'pushed', at: daysAgo(3) },
      notRestorable: 'a blob is gone',
    },
    {
      kind: 'delete',
      ...line,
      digest: digest('c'),
      tags: [],
      with: [],
      withTags: [],
      decidedBy,
      reasons: [unmatched],
      sizeBytes: undefined,
      imageBytes: 0,
      clock: undefined,
      notRestorable: undefined,
    },
    {
      kind: 'untag',
      ...line,
      digest: digest('d'),
      tag: 'old' as TagName,
      decidedBy,
      reasons: [unmatched],
      sizeBytes: 1,
      imageBytes: 1,
      clock: { kind: 'first-seen', at: 0 },
    },
  ],
  kept: [
    {
      ...line,
      digest: digest('d'),
      tags: ['keep'] as TagName[],
      reasons: [
        { kind: 'in-use', text: 'Pod shop/a', source: 'kubernetes:eu' },
        { kind: 'kept-all', text: 'kept by rule', rule: 'k', line: 4 },
      ],
      sizeBytes: 1,
      imageBytes: 1,
      clock: { kind: 'created', at: daysAgo(9) },
      otherwise: decidedBy,
    },
    {
      ...line,
      digest: digest('e'),
      tags: [],
      reasons: [],
      sizeBytes: undefined,
      imageBytes: 0,
      clock: undefined,
      otherwise: undefined,
    },
  ],
  evidence: [
    { source: 'kubernetes:eu', complete: true, leftOut: false, identity: 'uid', objects: 3, references: 4 },
    { source: 'helm:eu', complete: false, leftOut: true, identity: undefined, objects: 0, references: 0 },
  ],
  warnings: ['mind the gap'],
  limitsBroken: [
    { key: 'maxShare', registry: prod, repository: undefined, text: 'too many' },
    { key: 'minSurvivors', registry: prod, repository: line.repository, text: 'too few' },
  ],
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
const document = (): Json => JSON.parse(JSON.stringify(planDocument(whole))) as Json
const read = (value: unknown): Plan => parsePlanFile(JSON.stringify(value), 'plan.json')

it('reads back exactly what it wrote', () => {
  expect(read(planDocument(whole))).toStrictEqual(whole)
})

it('writes keys in the order of the format’s description', () => {
  expect(Object.keys(planDocument(whole))).toEqual([
    'schemaVersion',
    'id',
    'now',
    'expiresAt',
    'complete',
    'fingerprints',
    'summary',
    'actions',
    'kept',
    'evidence',
    'warnings',
    'limitsBroken',
  ])
})

/** Every value in a document with the path that leads to it; `limitsBroken[0].key`. */
function paths(value: Json, at = ''): readonly string[] {
  if (Array.isArray(value)) return [at, ...value.flatMap((each, i) => paths(each, `${at}[${i}]`))]
  if (typeof value !== 'object' || value === null) return [at]
  return [
    ...(at === '' ? [] : [at]),
    ...Object.entries(value).flatMap(([key, each]) => paths(each, at === '' ? key : `${at}.${key}`)),
  ]
}

/** The document with one value replaced, or taken away when `damage` is undefined. */
function damaged(path: string, damage: Json | undefined): Json {
  const copy = document()
  const keys = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  const last = keys.pop() ?? ''
  const parent = keys.reduce<Json>(
    (value, key) => (value as Record<string, Json>)[key] ?? null,
    copy,
  ) as Record<string, Json>
  if (damage === undefined) Reflect.deleteProperty(parent, last)
  else parent[last] = damage
  return copy
}

function refusal(value: unknown): PlanUnreadableError {
  try {
    read(value)
  } catch (error) {
    if (error instanceof PlanUnreadableError) return error
    throw error
  }
  throw new Error('It was read.')
}

describe('a damaged value is refused by its path', () => {
  it.each(paths(document()))('%s', (path) => {
    const was = path === 'schemaVersion' ? '' : path
    for (const damage of [{}, 'x y', [[]], -0.5, true] as Json[]) {
      // Another text where any text is taken is no damage that can be seen; neither is a number for a number.
      if (sameShape(valueAt(document(), path), damage, path)) continue
      const error = refusal(damaged(path, damage))
      expect(error.code).toBe('PLAN_UNREADABLE')
      expect(error.message).toContain(was)
      expect(error.message).toContain('plan.json')
    }
  })
})

function valueAt(value: Json, path: string): Json {
  return path
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')
    .reduce<Json>((each, key) => (each as Record<string, Json>)[key] ?? null, value)
}

const checkedTexts =
  /(?:^schemaVersion|^now|^expiresAt|digest|^fingerprints\..*|\bat|tag|tags\[\d+\]|with\[\d+\]|repository|actions\[\d+\]\.kind)$/

function sameShape(was: Json, damage: Json, path: string): boolean {
  if (was === null)
    return path.endsWith('identity') || path.endsWith('notRestorable')
      ? typeof damage === 'string'
      : path.endsWith('sizeBytes') && typeof damage === 'number'
  if (typeof was === 'string') return typeof damage === 'string' && !checkedTexts.test(path)
  return typeof was === typeof damage && typeof was !== 'object'
}

describe('what may be left out', () => {
  const optional = [
    /^limitsBroken$/,
    /\.(?:reasons|sizeBytes|imageBytes|clock|with|withTags|notRestorable|otherwise|leftOut|identity|objects|references)$/,
    /decidedBy\.line$|otherwise\.line$/,
    /reasons\[\d+\]\.(?:source|rule|line)$/,
    /^limitsBroken\[\d+\]\.repository$/,
  ]

  it.each(paths(document()).filter((path) => !/\]$/.test(path)))('%s', (path) => {
    const copy = damaged(path, undefined)
    if (optional.some((each) => each.test(path))) expect(() => read(copy)).not.toThrow()
    else expect(refusal(copy).message).toContain(path)
  })
})

it.each([
  { name: 'nothing', text: '' },
  { name: 'a file that was cut short', text: JSON.stringify(planDocument(whole)).slice(0, -9) },
  { name: 'a list', text: '[]' },
  { name: 'null', text: 'null' },
  { name: 'no version', text: '{}' },
  { name: 'another version', text: JSON.stringify({ ...planDocument(whole), schemaVersion: 'plan/v2' }) },
  { name: 'another document of ours', text: '{"schemaVersion":"evidence/v1"}' },
])('refuses $name', ({ text }) => {
  expect(() => parsePlanFile(text, 'plan.json')).toThrow(PlanUnreadableError)
})

it('names the version it found and the one it applies', () => {
  expect(refusal({ ...planDocument(whole), schemaVersion: 'plan/v2' }).message).toBe(
    'plan.json cannot be used as a plan: has schemaVersion "plan/v2"; this version applies plan/v1.',
  )
})

it('passes over what a later version may add', () => {
  expect(read({ ...planDocument(whole), colour: 'blue' })).toStrictEqual(whole)
})
