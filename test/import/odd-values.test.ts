/** Values that a source takes and nobody expects: what is imported from them is valid all the same. */
import { expect, it } from 'vitest'
import { loadConfiguration } from '../../src/config/load.ts'
import { importText } from './plan-in-process.ts'

const ecr = (days: number, description: string): string =>
  JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        description,
        selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: days },
        action: { type: 'expire' },
      },
    ],
  })

it.each([
  ['an age that protects for ever', 'ecr', ecr(999_999_999, '')],
  ['a description of several lines', 'ecr', ecr(1, 'old\n\u2028images: "all"\t#')],
  ['a description without end', 'ecr', ecr(1, '\u{1F40B}'.repeat(900))],
  ['a description of blanks', 'ecr', ecr(1, ' \n ')],
  ['an age beyond counting', 'gitlab', '{"name_regex_delete": ".*", "older_than": "999999999999d"}'],
  ['an age beside a count', 'gitlab', '{"name_regex_delete": ".*", "keep_n": 3, "older_than": "36525d"}'],
  ['an age of digits', 'quay', '{"policies": [{"method": "creation_date", "value": "99999999999d"}]}'],
  ['an age just past a hundred years', 'acr-purge', "acr purge --filter 'a:.*' --ago 36526d"],
  ['an age just within', 'gcr-cleaner', 'gcr-cleaner-cli -repo gcr.io/p/a -grace 876600h'],
  ['a name of two lines', 'werf', 'configVersion: 1\nproject: "a\\nb: c"\n'],
  ['a name of blanks', 'werf', 'configVersion: 1\nproject: " "\n'],
  ['a carriage return at each end', 'acr-purge', "acr purge --filter 'a:.*' --ago 1d\r\n"],
])('%s of %s', (_, system, text) => {
  const { yaml } = importText(system, text)
  expect(loadConfiguration({ path: 'winnow.yaml', text: yaml }).warnings).toEqual([])
})
