/** Packages of ghcr-cleanup-action: wildcards, expressions, and steps that work on the same ones. */
import { describe, expect, it } from 'vitest'
import { loadConfiguration } from '../../src/config/load.ts'
import { importText } from './plan-in-process.ts'

const step = (...inputs: readonly string[]): string =>
  `      - uses: dataaxiom/ghcr-cleanup-action@v1\n        with: {owner: octo, ${inputs.join(', ')}}\n`
const workflow = (...steps: readonly string[]): string => `jobs:\n  a:\n    steps:\n${steps.join('')}`
const imported = (...steps: readonly string[]): ReturnType<typeof importText> =>
  importText('ghcr-cleanup-action', workflow(...steps))

const packages = ['app', 'app-web', 'web', 'team/app', 'team/x/app', 'apq']

/** Packages of octo that the policies govern. */
function governed(...steps: readonly string[]): readonly string[] {
  const { policySet } = loadConfiguration({ path: 'winnow.yaml', text: imported(...steps).yaml })
  return packages.filter((name) =>
    policySet.policies.some(({ repositories }) => repositories.matches(`octo/${name}`)),
  )
}

describe('expand-packages', () => {
  it.each([
    ['*', ['app', 'app-web', 'web', 'apq']],
    ['app*', ['app', 'app-web']],
    ['ap?', ['app', 'apq']],
    ['*/app', ['team/app']],
    ['**/app', ['app', 'team/app', 'team/x/app']],
    ['team/**', ['team/app', 'team/x/app']],
    ['a**', ['app', 'app-web', 'apq']],
    ['web, team/*', ['web', 'team/app']],
  ])('%s stops at slashes as it does there', (name, expected) => {
    expect(governed(step(`packages: "${name}"`, 'expand-packages: true'))).toEqual(expected)
  })

  it.each([
    ['^app', ['app', 'app-web']],
    ['app$', ['app', 'team/app', 'team/x/app']],
    ['^web$', ['web']],
    ['web|x', ['app-web', 'web', 'team/x/app']],
    ['^(app|web)$', ['app', 'web']],
  ])('with use-regex, %s is an expression', (name, expected) => {
    expect(governed(step(`package: "${name}"`, 'expand-packages: true', 'use-regex: true'))).toEqual(expected)
  })

  it.each(['^app|web', 'a(^b)', '(?!x)a'])('with use-regex, %s is refused', (name) => {
    expect(() => imported(step(`package: "${name}"`, 'expand-packages: true', 'use-regex: true'))).toThrow(
      /not imported/,
    )
  })
})

it('warns of a wildcard that is a part of a name', () => {
  const { warnings } = imported(step('package: "team-*"', 'delete-untagged: true'))
  expect(warnings.join(' ')).toContain('takes "team-*" for a name')
  expect(governed(step('package: "ap*"'))).toEqual([])
})

describe('two steps', () => {
  const all = step('packages: "*"', 'expand-packages: true', 'delete-untagged: true')

  it.each([
    ['on one package', step('package: app'), step('package: app', 'keep-n-tagged: 1')],
    ['of which one takes in the other', all, step('package: app', 'keep-n-tagged: 1')],
    ['of which one is taken in', step('package: app'), all],
    [
      'with wildcards that meet',
      step('package: "a*"', 'expand-packages: true'),
      step('package: "*p"', 'expand-packages: true'),
    ],
    ['with one name among several', step('packages: "web, app"'), step('packages: "x, app"')],
  ])('%s are refused', (_, first, second) => {
    expect(() => imported(first, second)).toThrow(/Two steps work on .* \(the other in line 4\)/)
  })

  it.each([
    ['on different packages', step('package: app'), step('package: web')],
    [
      'on different folders',
      step('package: "a/*"', 'expand-packages: true'),
      step('package: "b/*"', 'expand-packages: true'),
    ],
  ])('%s are taken over', (_, first, second) => {
    expect(() => imported(first, second)).not.toThrow()
  })

  it('is not what one step with a name twice is', () => {
    expect(imported(step('packages: "app, app"')).yaml).toContain('repositories: [octo/app]')
  })
})
