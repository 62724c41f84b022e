/** Golden views of one small plan: no colour, no clock, the width of a pipe. */
import { createColors } from 'picocolors'
import { describe, expect, it } from 'vitest'
import { parsePlanFile } from '../../core/plan/plan-file.ts'
import type { OutputFormat } from '../command.ts'
import { writePlan } from './write-plan.ts'

const now = '2026-06-15T12:00:00.000Z'
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`
const place = { registry: 'prod', repository: 'team/web' }
const pushed = (day: string): object => ({ kind: 'pushed', at: `2026-${day}T12:00:00.000Z` })
const unmatched = { policy: 'services', rule: 'unmatched', line: 31 }

const plan = parsePlanFile(
  JSON.stringify({
    schemaVersion: 'plan/v1',
    id: 'p-1',
    now,
    expiresAt: '2026-06-16T12:00:00.000Z',
    complete: true,
    fingerprints: { policy: digest('1'), inventory: digest('2'), evidence: digest('3') },
    summary: {
      ...{ images: 4, imagesKeep: 2, imagesDelete: 2, manifestsDelete: 4, tagsRemove: 3 },
      ...{ bytesFreed: 90_000_000, bytesApparent: 100_000_000 },
    },
    actions: [
      {
        ...{
          kind: 'delete',
          ...place,
          digest: digest('a'),
          tags: ['pr-1', 'pr-1b'],
          with: [digest('b'), digest('c')],
        },
        ...{ decidedBy: unmatched, reasons: [{ kind: 'unmatched', text: 'no rule keeps it', line: 31 }] },
        ...{
          withTags: [],
          sizeBytes: 500,
          imageBytes: 60_000_000,
          clock: pushed('05-01'),
          notRestorable: null,
        },
      },
      {
        ...{ kind: 'delete', ...place, digest: digest('d'), tags: [], with: [] },
        decidedBy: { policy: 'services', rule: 'untagged', line: 29 },
        reasons: [
          { kind: 'deleted-older-than', text: '5d old, past 3d (untagged)', rule: 'untagged', line: 29 },
        ],
        ...{
          withTags: [],
          sizeBytes: 500,
          imageBytes: 40_000_000,
          clock: pushed('06-10'),
          notRestorable: null,
        },
      },
      {
        ...{ kind: 'untag', ...place, digest: digest('e'), tag: 'old' },
        ...{ decidedBy: unmatched, reasons: [{ kind: 'unmatched', text: 'no rule keeps it', line: 31 }] },
        ...{ sizeBytes: 500, imageBytes: 30_000_000, clock: null },
      },
    ],
    kept: [
      {
        ...{
          ...place,
          digest: digest('e'),
          tags: ['1.0.0', 'old'],
          sizeBytes: 500,
          imageBytes: 30_000_000,
          clock: null,
        },
        reasons: [{ kind: 'kept-newest', text: '1st newest of 1 by semver, 10 kept (releases)' }],
        otherwise: null,
      },
      {
        ...{ ...place, digest: digest('f'), tags: ['0.9.0'], sizeBytes: 500, imageBytes: 30_000_000 },
        ...{ clock: pushed('02-01'), otherwise: unmatched },
        reasons: [{ kind: 'in-use', source: 'kubernetes:lab', text: 'Deployment <shop>/web' }],
      },
    ],
    evidence: [
      { source: 'kubernetes:lab', complete: true, leftOut: false, identity: null, objects: 9, references: 4 },
      { source: 'helm:lab', complete: false, leftOut: true, identity: null, objects: 0, references: 0 },
    ],
    warnings: ['a warning with a \u001b[2J in it'],
    limitsBroken: [],
  }),
  'plan.json',
)

async function view(format: OutputFormat, showsAll = false): Promise<string> {
  let text = ''
  const output = {
    write: (piece: string) => void (text += piece),
    ...{ isTerminal: false, columns: 100, colors: createColors(false) },
  }
  await writePlan({ plan }, { format, output, configName: 'winnow.yaml', showsAll })
  return text
}

describe('a plan', () => {
  it('shows what goes and what was protected, the newest first, and the totals last', async () => {
    expect(await view('table')).toMatchInlineSnapshot(`
      "team/web  2 of 4 images · 1 single tag · 95.4 MiB
        -  (untagged)   sha256:dddddddd…    5d  38.1 MiB  5d old, past 3d (untagged)                            untagged        winnow.yaml:29
        -  pr-1, pr-1b  sha256:aaaaaaaa…   45d  57.2 MiB  no rule keeps it                                      unmatched       winnow.yaml:31
        ~  old          sha256:eeeeeeee…     –  28.6 MiB  no rule keeps it                                      unmatched       winnow.yaml:31
        !  0.9.0        sha256:ffffffff…  134d  28.6 MiB  KEPT, in use: Deployment <shop>/web (kubernetes:lab)  else unmatched  winnow.yaml:31

      Protected from deletion: 1 in use
      Frees 85.8 MiB once they are swept or collected (95.4 MiB apparent; 9.5 MiB of it is shared)
      Evidence: kubernetes:lab (4 references) · helm:lab LEFT OUT
      warning: a warning with a �[2J in it
      "
    `)
  })

  it('shows what stays as well, when asked', async () => {
    const text = await view('table', true)
    expect(text).toContain('1.0.0, old')
    expect(await view('table')).not.toContain('1.0.0, old')
  })

  it('has whole digests and the clock in wide', async () => {
    expect(await view('wide')).toMatch(new RegExp(`pr-1, pr-1b +${digest('a')} +45d +pushed`))
  })

  it('is a summary in Markdown', async () => {
    expect(await view('markdown')).toMatchInlineSnapshot(`
      "### Winnow: delete 2 images (4 manifests, 2 tags), remove 1 single tag, keep 2.

      Frees 85.8 MiB once they are swept or collected (95.4 MiB apparent).

      | Repository | Delete | Of | Size |
      | --- | ---: | ---: | ---: |
      | team/web | 2 | 4 | 95.4 MiB |

      Protected from deletion:

      - 1 in use

      Warnings:

      - a warning with a �\\[2J in it

      <details><summary>3 lines</summary>

      | Repository | Tags | Digest | Age | Size | Why | Rule |
      | --- | --- | --- | --- | --- | --- | --- |
      | team/web | (untagged) | sha256:dddddddd… | 5d | 38.1 MiB | 5d old, past 3d (untagged) | untagged, winnow.yaml:29 |
      | team/web | pr-1, pr-1b | sha256:aaaaaaaa… | 45d | 57.2 MiB | no rule keeps it | unmatched, winnow.yaml:31 |
      | team/web | old | sha256:eeeeeeee… | – | 28.6 MiB | no rule keeps it | unmatched, winnow.yaml:31 |

      </details>
      "
    `)
  })

  it('is one row a line in CSV', async () => {
    expect(await view('csv')).toMatchInlineSnapshot(`
      "kind,registry,repository,digest,tags,time,clock,imageBytes,manifests,policy,rule,line,reasons
      delete,prod,team/web,sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,pr-1 pr-1b,2026-05-01T12:00:00.000Z,pushed,60000000,3,services,unmatched,31,no rule keeps it
      delete,prod,team/web,sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd,,2026-06-10T12:00:00.000Z,pushed,40000000,1,services,untagged,29,"5d old, past 3d (untagged)"
      untag,prod,team/web,sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee,old,,,30000000,0,services,unmatched,31,no rule keeps it
      "
    `)
  })

  it('is bare names', async () => {
    expect(await view('names')).toBe(
      `prod/team/web@${digest('a')}\nprod/team/web@${digest('d')}\nprod/team/web:old\n`,
    )
  })

  it('is the same document in JSON, line by line, and in YAML', async () => {
    const { parse } = await import('yaml')
    const json: unknown = JSON.parse(await view('json'))
    expect(parse(await view('yaml'))).toEqual(json)
    expect(parsePlanFile(await view('json'), 'again')).toEqual(plan)
    expect((await view('json')).split('\n').filter((line) => line.includes('"kind":"delete"'))).toHaveLength(
      2,
    )
  })

  it('is one document a line in NDJSON: the plan, what goes, what stays', async () => {
    const lines = (await view('ndjson')).trimEnd().split('\n')
    const kinds = lines.map((line) => {
      const { schemaVersion, kind } = JSON.parse(line) as { schemaVersion?: string; kind?: string }
      return schemaVersion ?? kind
    })
    expect(kinds).toEqual(['plan/v1', 'delete', 'delete', 'untag', 'keep', 'keep'])
  })

  it('is a page that needs nothing else, and in which nothing from outside is markup', async () => {
    const page = await view('html')
    expect(page).toContain('Deployment &lt;shop&gt;/web')
    expect(page).not.toMatch(/<script|<img|<link|src=|url\(/)
    expect(page).not.toContain('\u001b')
  })
})
