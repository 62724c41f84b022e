/** The house style, executable: what no other tool of this project checks. */
import { readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { satisfies } from 'semver'
import { describe, expect, it } from 'vitest'
import { exitCodeOf } from '../src/cli/exit-codes.ts'
import { generatedFiles } from '../src/cli/reference/pages.ts'
import type { ErrorCategory } from '../src/core/errors/errors.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const skipped = new Set(['node_modules', 'dist', 'coverage', '.git', '.cache', 'results'])

interface TextFile {
  /** From the root of the project. */
  readonly path: string
  readonly text: string
}

const files = filesBelow('')
const sources = files.filter(({ path }) => path.startsWith('src/') && path.endsWith('.ts'))
const programs = sources.filter(({ path }) => !path.endsWith('.test.ts'))

describe('errors', () => {
  const errors = programs.flatMap(errorsIn)
  const listed = [...read('docs/errors.md').matchAll(/^\| `([A-Z0-9_]+)` \| (\d+) \|/gm)].map(
    ([, code = '', exit = '']) => ({ code, exit: Number(exit) }),
  )

  it('are found in the source at all', () => {
    expect(errors.length).toBeGreaterThan(40)
  })

  it('have codes that are theirs alone', () => {
    expect(repeated(errors.map(({ code }) => code))).toEqual([])
  })

  it('are all listed in docs/errors.md with the exit code they end with, and nothing else is', () => {
    const expected = errors.map(({ code, exit }) => ({ code, exit }))
    // The one error that is no class: whatever was thrown and not meant to be.
    const all = [...expected, { code: 'INTERNAL', exit: 1 }]
    expect(listed.toSorted(byCode)).toEqual(all.toSorted(byCode))
  })

  it('say what to do next', () => {
    expect(errors.filter(({ hasHint }) => !hasHint).map(({ code }) => code)).toEqual([])
  })
})

describe('source files', () => {
  it('open with what they promise, or with the imports of a few lines', () => {
    const bare = programs.filter(({ path, text }) => !/^(?:#!.*\n)?\/\*\*/.test(text) && !isSmall(path, text))
    expect(paths(bare)).toEqual([])
  })

  it('leave nothing for later', () => {
    // Spelled in two parts, so that this line is no finding.
    const later = new RegExp(String.raw`\b(?:TO` + String.raw`DO|FIX` + String.raw`ME|X{3})\b`)
    const found = files.filter(({ path, text }) => /\.(?:ts|mjs|cjs|sh)$/.test(path) && later.test(text))
    expect(paths(found)).toEqual([])
  })

  it('use names that say something', () => {
    const empty = /(?:^|\/)(?:utils?|helpers?|managers?|misc|common)(?:[./]|$)/
    expect(paths(files.filter(({ path }) => path.startsWith('src/') && empty.test(path)))).toEqual([])
  })

  it('are of one kind: no default exports', () => {
    expect(paths(programs.filter(({ text }) => /^export default/m.test(text)))).toEqual([])
  })

  it('keep the clock and chance out of core', () => {
    const forbidden = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/
    const inCore = programs.filter(({ path }) => path.startsWith('src/core/'))
    expect(paths(inCore.filter(({ text }) => forbidden.test(withoutComments(text))))).toEqual([])
  })
})

describe('committed files', () => {
  it('name no path of a machine', () => {
    const home = homedir()
    const places = [root.replace(/\/$/, ''), ...(home.length > '/root'.length ? [home] : [])]
    const found = files.filter(({ text }) => places.some((place) => text.includes(`${place}/`)))
    expect(paths(found)).toEqual([])
  })

  it('have no package registry in the lockfile', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved":|https?:\/\/[^"]*\.tgz/)
  })

  it('need no newer Node than the one we promise', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { engines?: { node?: string } | string[]; optional?: boolean }>
    }
    const refused = Object.entries(packages).filter(([, { engines }]) => {
      const range = engines === undefined || Array.isArray(engines) ? undefined : engines.node
      return range !== undefined && !satisfies('20.20.2', range)
    })
    expect(refused.map(([path]) => path)).toEqual([])
  })
})

describe('generated files', () => {
  it.each([...generatedFiles()])('%s is what `npm run docs` makes', (path, text) => {
    expect(read(path)).toBe(text)
  })
})

function filesBelow(folder: string): readonly TextFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesBelow(path)
    const isText = entry.isFile() && /\.(?:ts|mjs|cjs|json|ya?ml|md|sh|env)$/.test(entry.name)
    return isText ? [{ path, text: read(path) }] : []
  })
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function paths(found: readonly TextFile[]): readonly string[] {
  return found.map(({ path }) => path)
}

/** Declarations of commands and the like: a file of one thing needs no introduction beside it. */
function isSmall(path: string, text: string): boolean {
  return path.startsWith('src/cli/commands/') || text.split('\n').length <= 12
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

interface ErrorClass {
  readonly code: string
  readonly exit: number
  readonly hasHint: boolean
}

/** Classes over OperationalError, as they are written in this project. */
function errorsIn({ path, text }: TextFile): readonly ErrorClass[] {
  return [...text.matchAll(/^(?:export )?class (\w+) extends OperationalError \{\n([\s\S]*?)\n\}$/gm)].map(
    ([, name = '', body = '']) => {
      const code = /readonly code = '([A-Z][A-Z0-9_]*)'/.exec(body)?.[1]
      if (code === undefined) throw new Error(`${path}: ${name} has no code of its own`)
      const category = /override readonly category(?:: ErrorCategory)? = '(\w+)'/.exec(body)?.[1] ?? 'error'
      return { code, exit: exitCodeOf(category as ErrorCategory), hasHint: /readonly hint\b/.test(body) }
    },
  )
}

function repeated(texts: readonly string[]): readonly string[] {
  return texts.filter((text, index) => texts.indexOf(text) !== index)
}

function byCode(a: { readonly code: string }, b: { readonly code: string }): number {
  return a.code < b.code ? -1 : 1
}
