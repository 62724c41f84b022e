/**
 * GitLab applies `keep_n` to each page of its registry's list of tags. Whatever a page holds and wherever it ends, the
 * import deletes nothing that GitLab keeps; where the list is one page it deletes the same.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { image, tag } from '../builders/images.ts'
import { importText, planManifests } from './plan-in-process.ts'
import { dayMs, now } from './systems/system.ts'

interface ListedTag {
  readonly name: string
  /** Undefined: nobody knows. */
  readonly pushedAt: number | undefined
}

const lists: fc.Arbitrary<readonly ListedTag[]> = fc
  .uniqueArray(fc.constantFrom('latest', 'a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3', 'v1', 'v2'), {
    maxLength: 10,
  })
  .chain((names) =>
    fc
      .uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: names.length, maxLength: names.length })
      .chain((ages) =>
        fc.array(fc.nat(9), { minLength: names.length, maxLength: names.length }).map((luck) =>
          names.map((name, at) => ({
            name,
            pushedAt: luck[at] === 0 ? undefined : now - ((ages[at] ?? 0) * dayMs) / 4,
          })),
        ),
      ),
  )

const policies = fc.record({
  name_regex_delete: fc.constantFrom('.*', 'a.*'),
  keep_n: fc.integer({ min: 1, max: 3 }),
  older_than: fc.constantFrom(null, '1d', '3d'),
})

type Policy = typeof policies extends fc.Arbitrary<infer T> ? T : never

/** One page: unknown times sort as now. */
function goneOfPage(page: readonly ListedTag[], policy: Policy): readonly string[] {
  const expression = new RegExp(`^${policy.name_regex_delete}$`)
  const pool = page.filter(({ name }) => name !== 'latest' && expression.test(name))
  const days = policy.older_than === null ? undefined : Number(policy.older_than.replace('d', ''))
  return pool
    .toSorted((one, other) => (other.pushedAt ?? now) - (one.pushedAt ?? now))
    .slice(policy.keep_n)
    .filter(({ pushedAt }) => days === undefined || (pushedAt !== undefined && now - pushedAt > days * dayMs))
    .map(({ name }) => name)
}

function goneHere(list: readonly ListedTag[], policy: Policy, page: number): readonly string[] {
  const { yaml } = importText('gitlab', JSON.stringify(policy))
  const paged = yaml.replaceAll('onePageOf: 1000', `onePageOf: ${page}`)
  const manifests = list.map(({ name, pushedAt }, at) =>
    image(`i${at}`, { tags: [tag(name, pushedAt === undefined ? {} : { pushedAt })], pushedAt }),
  )
  const { tags, images } = planManifests(paged, 'team/app', manifests)
  expect([...images]).toEqual([])
  return [...tags]
}

it('keeps what GitLab keeps, whatever the pages are', () => {
  fc.assert(
    fc.property(lists, policies, fc.integer({ min: 1, max: 10 }), (list, policy, size) => {
      const pages = Array.from({ length: Math.ceil(list.length / size) }, (_, at) =>
        list.slice(at * size, (at + 1) * size),
      )
      const there = pages.flatMap((page) => goneOfPage(page, policy))
      expect(goneHere(list, policy, size).filter((name) => !there.includes(name))).toEqual([])
    }),
    { numRuns: 400 },
  )
})

it('decides as GitLab does where all tags are one page and have a time', () => {
  fc.assert(
    fc.property(lists, policies, (list, policy) => {
      const dated = list.filter(({ pushedAt }) => pushedAt !== undefined)
      expect(goneHere(dated, policy, 1000).toSorted()).toEqual(goneOfPage(dated, policy).toSorted())
    }),
    { numRuns: 400 },
  )
})

it('writes the page that GitLab asks for', () => {
  expect(importText('gitlab', '{"name_regex_delete": ".*", "keep_n": 3}').yaml).toContain('onePageOf: 1000')
})
