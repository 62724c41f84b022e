/**
 * Repositories for tests, made by one run of `git fast-import` each: exact dates, exact parents, no working tree.
 *
 * Two forms of the same description. `remote` is what a server has: bare, branches under refs/heads. `clone` is what
 * somebody's clone of it looks like: branches under refs/remotes/origin, nothing fetched from anywhere.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface CommitSpec {
  /** A label of the test's own; the real id is in `ids` afterwards. */
  readonly id: string
  /** Labels of commits that come earlier in the list, or that the repository already has. */
  readonly parents: readonly string[]
  /** Milliseconds since 1970 or an ISO 8601 time; Git keeps whole seconds. */
  readonly committedAt: number | string
  /** @default the label, so that two commits are never one */
  readonly message?: string
}

export interface ReferenceSpec {
  readonly kind: 'branch' | 'tag' | 'pull-request'
  /** `feature/x`, `v1.2.0`, `1481`. */
  readonly name: string
  readonly commit: string
  /** Makes a tag an annotated one, with this tagger's date; of a lightweight tag null or undefined. */
  readonly annotatedAt?: number | string | null
  /**
   * Of a branch: whose it is. In the form `remote` only those of `origin` exist; in the form `clone` null is a local
   * branch and another name another remote's. @default 'origin'
   */
  readonly remote?: string | null
}

export interface RepositorySpec {
  readonly commits: readonly CommitSpec[]
  readonly references: readonly ReferenceSpec[]
}

export interface RepositoryOptions {
  /** @default 'remote' */
  readonly form?: 'remote' | 'clone'
  /** Where to make it; the folder is made, or must be empty. @default a new temporary folder */
  readonly path?: string
  /** Of a clone: the address of its origin; null for a clone without one. @default https://git.example.com/acme/app.git */
  readonly originUrl?: string | null
  /** Whether each commit changes a file, so that there are blobs and trees. @default true */
  readonly files?: boolean
  /** @default 'sha1' */
  readonly objectFormat?: 'sha1' | 'sha256'
}

export interface TestRepository {
  readonly path: string
  readonly form: 'remote' | 'clone'
  /** The real commit ids by label. */
  readonly ids: ReadonlyMap<string, string>
  /** The real commit id of a label. @throws when there is none */
  readonly id: (label: string) => string
  remove(): Promise<void>
}

interface Growing extends TestRepository {
  readonly ids: Map<string, string>
  readonly files: boolean
  readonly nullId: string
}

/** Makes a repository. */
export async function makeRepository(
  spec: RepositorySpec,
  options: RepositoryOptions = {},
): Promise<TestRepository> {
  const path = options.path ?? (await mkdtemp(join(tmpdir(), 'winnow-git-')))
  await mkdir(path, { recursive: true })
  const form = options.form ?? 'remote'
  await git(path, [
    'init',
    '--quiet',
    '--initial-branch=main',
    `--object-format=${options.objectFormat ?? 'sha1'}`,
    ...(form === 'remote' ? ['--bare'] : []),
    path,
  ])
  const url = options.originUrl === undefined ? 'https://git.example.com/acme/app.git' : options.originUrl
  if (form === 'clone' && url !== null) {
    await git(path, ['config', 'remote.origin.url', url])
    await git(path, ['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'])
  }
  const ids = new Map<string, string>()
  const repository: Growing = {
    path,
    form,
    ids,
    files: options.files ?? true,
    nullId: '0'.repeat(options.objectFormat === 'sha256' ? 64 : 40),
    id: (label) => {
      const id = ids.get(label)
      if (id === undefined) throw new Error(`there is no commit called ${label}`)
      return id
    },
    remove: () => rm(path, { recursive: true, force: true }),
  }
  await importInto(repository, spec)
  return repository
}

/**
 * Changes a repository: removes the full reference names of `removed`, adds commits, and sets references to where they are
 * now (a force push included).
 */
export async function changeRepository(
  repository: TestRepository,
  spec: Partial<RepositorySpec> & { readonly removed?: readonly string[] },
): Promise<void> {
  // First of all: a branch `a` must be gone before there can be a branch `a/b`.
  for (const name of spec.removed ?? []) await git(repository.path, ['update-ref', '-d', name])
  await importInto(repository as Growing, { commits: spec.commits ?? [], references: spec.references ?? [] })
}

/** Runs git in a folder, with nobody's configuration; gives its standard output. */
export async function git(
  folder: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)('git', words, {
    cwd: folder,
    env: { ...testEnvironment(), ...environment },
    maxBuffer: 256 * 1024 * 1024,
  })
  return stdout
}

/** An environment in which git reads no configuration of the person who runs the tests. */
export function testEnvironment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.com',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.com',
  }
}

const scratch = 'refs/scratch/commit'

async function importInto(repository: Growing, spec: RepositorySpec): Promise<void> {
  const marks = join(repository.path, 'marks-of-the-test')
  const numbers = new Map([...repository.ids.keys()].map((label, at) => [label, at + 1]))
  const known = [...repository.ids.values()].map((id, at) => `:${at + 1} ${id}\n`)
  for (const { id } of spec.commits) {
    if (numbers.has(id)) throw new Error(`there are two commits called ${id}`)
    numbers.set(id, numbers.size + 1)
  }
  await writeFile(marks, known.join(''))
  await fastImport(repository.path, marks, streamOf(repository, spec, numbers))
  const labels = [...numbers.keys()]
  for (const line of (await readFile(marks, 'utf8')).split('\n')) {
    const [, number, id = ''] = /^:(\d+) ([0-9a-f]+)$/.exec(line) ?? []
    const label = labels[Number(number) - 1]
    if (label !== undefined) repository.ids.set(label, id)
  }
  await unlink(marks)
}

function* streamOf(
  { form, files, nullId }: Growing,
  spec: RepositorySpec,
  numbers: ReadonlyMap<string, number>,
): Generator<string, void, undefined> {
  const markOf = (label: string): string => {
    const number = numbers.get(label)
    if (number === undefined) throw new Error(`there is no commit called ${label}`)
    return `:${number}`
  }
  for (const { id, parents, committedAt, message } of spec.commits) {
    // Without this a commit without `from` would continue the branch.
    if (parents.length === 0) yield `reset ${scratch}\n\n`
    yield `commit ${scratch}\nmark ${markOf(id)}\n${person('committer', committedAt)}${text(message ?? id)}`
    for (const [at, parent] of parents.entries()) yield `${at === 0 ? 'from' : 'merge'} ${markOf(parent)}\n`
    if (files) yield `M 100644 inline file\n${text(`${id}\n`)}`
    yield '\n'
  }
  for (const reference of spec.references) {
    const { kind, name, commit, annotatedAt } = reference
    if (kind === 'tag' && annotatedAt !== undefined && annotatedAt !== null) {
      yield `tag ${name}\nfrom ${markOf(commit)}\n${person('tagger', annotatedAt)}${text(name)}`
      continue
    }
    const place = placeOf(reference, form)
    if (place !== undefined) yield `reset ${place}\nfrom ${markOf(commit)}\n\n`
  }
  // The null id takes a reference away (git-fast-import(1), `from`).
  if (spec.commits.length > 0) yield `reset ${scratch}\nfrom ${nullId}\n\n`
  yield 'done\n'
}

function placeOf(
  { kind, name, remote = 'origin' }: ReferenceSpec,
  form: TestRepository['form'],
): string | undefined {
  if (kind === 'tag') return `refs/tags/${name}`
  if (kind === 'pull-request') return `refs/pull/${name}/head`
  if (form === 'remote') return remote === 'origin' ? `refs/heads/${name}` : undefined
  return remote === null ? `refs/heads/${name}` : `refs/remotes/${remote}/${name}`
}

function person(role: 'committer' | 'tagger', at: number | string): string {
  const seconds = Math.floor((typeof at === 'string' ? Date.parse(at) : at) / 1000)
  return `${role} Test <test@example.com> ${seconds} +0000\n`
}

function text(content: string): string {
  return `data ${Buffer.byteLength(content)}\n${content}\n`
}

async function fastImport(path: string, marks: string, stream: Iterable<string>): Promise<void> {
  const child = spawn(
    'git',
    ['fast-import', '--quiet', '--done', '--force', `--import-marks=${marks}`, `--export-marks=${marks}`],
    { cwd: path, env: testEnvironment(), stdio: ['pipe', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  child.stdin.on('error', () => undefined)
  let waiting = ''
  for (const piece of stream) {
    waiting += piece
    if (waiting.length < 65_536) continue
    if (!child.stdin.write(waiting))
      await Promise.race([new Promise((go) => child.stdin.once('drain', go)), ended])
    waiting = ''
  }
  child.stdin.end(waiting)
  const status = await ended
  if (status !== 0) throw new Error(`git fast-import ended with ${status}: ${said}`)
}
