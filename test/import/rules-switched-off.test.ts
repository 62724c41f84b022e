/** Policies of which no rule is on: what is told of the rules reads as if a person had written it, and can be switched on. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { format } from 'prettier'
import { loadConfiguration } from '../../src/config/load.ts'
import { importText } from './plan-in-process.ts'

const ghcr = (inputs: string): string =>
  `jobs:\n  a:\n    steps:\n      - uses: dataaxiom/ghcr-cleanup-action@v1\n        with:\n          owner: o\n          package: p\n          ${inputs}: true\n`
const orphaned = ghcr('delete-orphaned-images')
const ghosts = ghcr('delete-ghost-images')

/** The lines of the policies. */
function policiesOf(system: string, text: string): readonly string[] {
  const lines = importText(system, text).yaml.split('\n')
  return lines.slice(lines.indexOf('policies:') + 1)
}

describe('a policy without a rule that is on', () => {
  it('says above the empty list why it is empty', () => {
    expect(policiesOf('ghcr-cleanup-action', ghosts)).toEqual([
      '  - name: ghcr-cleanup o/p',
      '    repositories: [o/p]',
      '    # line 8: delete-ghost-images. Left out: no rule can say "all platforms are missing".',
      '    rules: []',
      '    unmatched: keep   # what no input names stays',
      '',
    ])
  })

  it('has the rules to switch on below the empty list, as a list of their own', () => {
    expect(policiesOf('ghcr-cleanup-action', orphaned)).toEqual([
      '  - name: ghcr-cleanup o/p',
      '    repositories: [o/p]',
      '    rules: []   # none is on; to switch on what follows, put it in the place of this line',
      '    # rules:',
      '    #   # line 8: delete-orphaned-images. Switched on, this takes every referrer whose image is gone.',
      '    #   - {name: orphaned images, match: {state: orphaned-referrer}, delete: {all: true}}',
      '    unmatched: keep   # what no input names stays',
      '',
    ])
  })

  it('says so where an age is past all ages', () => {
    expect(policiesOf('gcr-cleaner', 'gcr-cleaner-cli -repo gcr.io/p/a -grace 900000h\n')).toContain(
      '    # line 1: -grace is longer than 100 years, and nothing is that old.',
    )
  })

  it.each([
    ['ghcr-cleanup-action', orphaned],
    ['ghcr-cleanup-action', ghosts],
    ['werf', 'configVersion: 1\ncleanup:\n  disable: true\n'],
    ['ecr', '{"rules": []}'],
  ])('of %s reads alike once formatted', async (system, text) => {
    const { yaml } = importText(system, text)
    const formatted = await format(yaml, { parser: 'yaml' })
    expect(parse(formatted)).toEqual(parse(yaml))
    // A formatter leaves comments where it finds them; those in an odd place move.
    expect(formatted.split('\n').filter((line) => line.trim().startsWith('#'))).toEqual(
      yaml.split('\n').filter((line) => line.trim().startsWith('#')),
    )
  })

  it('of ghcr-cleanup-action has the rules once they are put in the place of the empty list', () => {
    const lines = importText('ghcr-cleanup-action', orphaned).yaml.split('\n')
    const at = lines.findIndex((line) => line.startsWith('    rules: []'))
    const switchedOn = lines.flatMap((line, index) =>
      index === at ? [] : [index > at ? line.replace(/^ {4}# /, '    ') : line],
    )
    const { policySet, warnings } = loadConfiguration({ path: 'winnow.yaml', text: switchedOn.join('\n') })
    expect([policySet.policies[0]?.rules.length, warnings]).toEqual([1, []])
  })
})

it('leaves a rule that is off among others where it stood, ready to be switched on', () => {
  const lines = policiesOf(
    'ghcr-cleanup-action',
    orphaned.replace('true\n', 'true\n          delete-untagged: true\n'),
  )
  const on = lines.map((line) => line.replace('      # - ', '      - ').replace(/^ {6}# {3}/, '        '))
  expect(lines.filter((line) => line.startsWith('    rules:'))).toEqual(['    rules:'])
  const rulesOf = (text: readonly string[]): number =>
    (parse(text.join('\n')) as [{ rules: unknown[] }])[0].rules.length
  expect([rulesOf(lines), rulesOf(on)]).toEqual([1, 2])
})
