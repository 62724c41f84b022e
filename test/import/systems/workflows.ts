/** ghcr-cleanup-action and snok: steps of GitHub workflows. */
import fc from 'fast-check'
import { stringify } from 'yaml'
import {
  dayMs,
  deletedImages,
  newestFirst,
  newestUploadFirst,
  now,
  type Deleted,
  type SourceImage,
  type System,
} from './system.ts'

const tagPool = ['v1', 'v2', 'pr-1', 'pr-2', 'prod', 'x']
const repository = 'octo/app'

function workflow(uses: string, inputs: Readonly<Record<string, string | undefined>>): string {
  return stringify({ jobs: { cleanup: { steps: [{ uses, with: inputs }] } } })
}

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })

function like(list: string, text: string): boolean {
  return list.split(/[\s,]+/).some((each) => new RegExp(`^${each.replaceAll('*', '.*')}$`).test(text))
}

export const ghcr: System = {
  system: 'ghcr-cleanup-action',
  unit: 'image',
  repository,
  tagPool,
  files: fc
    .record({
      'delete-tags': maybe(fc.constantFrom('v*', 'pr-1,x', 'pr-1, x', '*')),
      'exclude-tags': maybe(fc.constantFrom('prod', 'v1, x', '*-1')),
      'keep-n-tagged': maybe(fc.constantFrom('0', '1', '2')),
      'keep-n-untagged': maybe(fc.constantFrom('0', '1')),
      'delete-untagged': maybe(fc.constantFrom('true', 'false')),
      'older-than': maybe(fc.constantFrom('1 day', '3 days', '1 week')),
      'delete-partial-images': maybe(fc.constantFrom('true', 'false')),
      'delete-ghost-images': maybe(fc.constantFrom('true', 'false')),
    })
    // The action refuses these two together.
    .filter((inputs) => inputs['keep-n-untagged'] === undefined || inputs['delete-untagged'] !== 'true')
    .map((inputs) => ({
      text: workflow('dataaxiom/ghcr-cleanup-action@v1', { owner: 'octo', package: 'app', ...inputs }),
      evaluate: (images) => cleaned(inputs, images),
    })),
}

type Inputs = Readonly<Record<string, string | undefined>>

const ages: Readonly<Record<string, number>> = { '1 day': dayMs, '3 days': 3 * dayMs, '1 week': 7 * dayMs }

function cleaned(inputs: Inputs, images: readonly SourceImage[]): Deleted {
  const exclude = inputs['exclude-tags']
  const age = ages[inputs['older-than'] ?? ''] ?? -1
  const left = images.filter(
    ({ tags, pushedAt, locked }) =>
      !locked &&
      now - pushedAt > age &&
      !(exclude !== undefined && tags.some(({ name }) => like(exclude, name))),
  )
  const wanted = inputs['delete-tags']
  const number = inputs['keep-n-tagged']
  // A blank after a comma is a part of the name, and no tag has one.
  const words = wanted?.split(',').filter((word) => !word.includes(' ')) ?? []
  const hits = ({ tags }: SourceImage): readonly string[] =>
    tags.flatMap(({ name }) => (words.some((word) => like(word, name)) ? [name] : []))
  const pool = left.filter((image) => (wanted === undefined ? image.tags.length > 0 : hits(image).length > 0))
  const chosen =
    wanted === undefined && number === undefined ? [] : newestFirst(pool).slice(Number(number ?? 0))
  const whole = chosen.filter((image) => wanted === undefined || hits(image).length === image.tags.length)
  // A digest matches "*", too, so an image without tags goes with it, where nothing is counted.
  const byDigest = wanted === '*' && number === undefined ? left.filter(({ tags }) => tags.length === 0) : []
  const bare = newestFirst(left.filter(({ tags }) => tags.length === 0))
  const count = inputs['keep-n-untagged']
  // No image of these worlds lacks a part, so of those inputs only what they leave out shows.
  const asksState = [inputs['delete-partial-images'], inputs['delete-ghost-images']].includes('true')
  const isDefault = wanted === undefined && number === undefined && count === undefined && !asksState
  const asked = inputs['delete-untagged'] === undefined ? isDefault : inputs['delete-untagged'] === 'true'
  const untagged = count !== undefined ? bare.slice(Number(count)) : asked ? bare : []
  const gone = deletedImages([...whole, ...byDigest, ...untagged])
  return {
    images: gone.images,
    tags: new Set([...gone.tags, ...(wanted === undefined ? [] : chosen.flatMap(hits))]),
  }
}

export const snok: System = {
  system: 'snok',
  unit: 'image',
  repository,
  tagPool,
  files: fc
    .record({
      'image-names': fc.constantFrom('*', 'app', 'other app', 'a*'),
      'cut-off': fc.constantFrom('1d', '2days', '1s'),
      'tag-selection': fc.constantFrom(undefined, 'tagged', 'untagged', 'both'),
      'image-tags': fc.constantFrom('', 'v*', '!prod', 'v* pr-* !v1', '* !x'),
      'keep-n-most-recent': fc.constantFrom(undefined, '0', '1', '2'),
      'timestamp-to-use': fc.constantFrom(undefined, 'updated_at', 'created_at'),
    })
    .map((inputs) => ({
      text: workflow('snok/container-retention-policy@v3.0.0', { account: 'octo', ...inputs }),
      evaluate(images) {
        const age = { '1d': dayMs, '2days': 2 * dayMs, '1s': 1000 }[inputs['cut-off']] ?? 0
        const words = inputs['image-tags'].split(' ').filter((word) => word !== '')
        const positive = words.filter((word) => !word.startsWith('!')).join(' ')
        const negative = words
          .filter((word) => word.startsWith('!'))
          .map((word) => word.slice(1))
          .join(' ')
        const selection = inputs['tag-selection'] ?? 'both'
        const left = images.filter(
          ({ tags, pushedAt, uploadedAt, locked }) =>
            !locked &&
            now - (inputs['timestamp-to-use'] === 'created_at' ? uploadedAt : pushedAt) > age &&
            (selection === 'both' || (selection === 'tagged') === tags.length > 0) &&
            !tags.some(({ name }) => negative !== '' && like(negative, name)) &&
            (positive === '' || tags.every(({ name }) => like(positive, name))),
        )
        const order = inputs['timestamp-to-use'] === 'created_at' ? newestUploadFirst : newestFirst
        const tagged = order(left.filter(({ tags }) => tags.length > 0)).slice(
          Number(inputs['keep-n-most-recent'] ?? 0),
        )
        return deletedImages([...tagged, ...left.filter(({ tags }) => tags.length === 0)])
      },
    })),
}
