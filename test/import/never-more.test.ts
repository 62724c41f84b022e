/**
 * Policies whose meaning is easily taken for more than it is: what their system keeps stays after the import, too. Each
 * stands here with the images that tell the two apart.
 */
import { describe, expect, it } from 'vitest'
import { daysAgo, image } from '../builders/images.ts'
import { importText, planManifests } from './plan-in-process.ts'

const step = (action: string, inputs: readonly string[]): string =>
  ['jobs:', '  a:', '    steps:', `      - uses: ${action}@v1`, '        with:', ...inputs]
    .map((line, at) => (at > 4 ? `          ${line}` : line))
    .join('\n')
const ghcr = (...inputs: string[]): string =>
  importText(
    'ghcr-cleanup-action',
    step('dataaxiom/ghcr-cleanup-action', ['owner: octo', 'package: app', ...inputs]),
  ).yaml

describe('ghcr-cleanup-action', () => {
  const worlds = [
    image('bare', { pushedAt: daysAgo(40) }),
    image('a', { tags: ['v1'], pushedAt: daysAgo(40) }),
  ]

  it.each(['delete-ghost-images', 'delete-partial-images', 'delete-orphaned-images'])(
    '%s alone leaves untagged images',
    (input) => {
      expect(planManifests(ghcr(`${input}: "true"`), 'octo/app', worlds).images).toEqual(new Set())
    },
  )

  it('takes untagged images when nothing is asked for', () => {
    expect(planManifests(ghcr(), 'octo/app', worlds).images).toEqual(new Set(['bare']))
    const off = ghcr('delete-partial-images: "false"')
    expect(planManifests(off, 'octo/app', worlds).images).toEqual(new Set(['bare']))
  })
})
