/**
 * What reading a repository must never do: run what the repository or its configuration names, fetch what nobody asked for,
 * believe replacements, be led elsewhere by the environment, change what is not Winnow's.
 *
 * Each trap here leaves a file called `sprung` when it is sprung, and each is shown to work by plain git first.
 */
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  changeRepository,
  git,
  testEnvironment,
  type RepositorySpec,
  type TestRepository,
} from './make-repository.ts'
import {
  commitsOf,
  fateOf,
  namesOf,
  readGit,
  repositoryOf,
  temporaryFolder,
  troubleOf,
} from './reader-stand.ts'

const day = (number: number): number => Date.UTC(2024, 0, number)

const spec: RepositorySpec = {
  commits: [
    { id: 'a', parents: [], committedAt: day(1) },
    { id: 'b', parents: ['a'], committedAt: day(2) },
    { id: 'other', parents: [], committedAt: day(3) },
  ],
  references: [
    { kind: 'branch', name: 'main', commit: 'b' },
    { kind: 'tag', name: 'v1', commit: 'a' },
  ],
}

interface Trap {
  /** A program that leaves a file behind and does nothing else. */
  readonly program: string
  isSprung(): Promise<boolean>
}

async function setTrap(): Promise<Trap> {
  const folder = await temporaryFolder()
  const program = join(folder, 'trap')
  const sprung = join(folder, 'sprung')
  await writeFile(program, `#!/bin/sh\ntouch ${sprung}\nexit 1\n`, { mode: 0o755 })
  return { program, isSprung: () => exists(sprung) }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** A clone of a remote, both on this machine. */
async function cloneOf(remote: TestRepository): Promise<string> {
  const folder = join(await temporaryFolder(), 'clone')
  await git('/', ['clone', '--quiet', `file://${remote.path}`, folder])
  return folder
}

const asPath = (path: string, fetch = false) => ({ kind: 'clone', path, fetch }) as const
const asAddress = (address: string) => ({ kind: 'address', address }) as const

describe('addresses that would run a program', () => {
  it.each([
    'ext::sh -c touch% TRAP',
    'ext::TRAP',
    'fd::17',
    '--upload-pack=TRAP',
    '-oProxyCommand=TRAP',
    '-oProxyCommand=TRAP:app.git',
    'ssh://-oProxyCommand=TRAP/app.git',
    'ssh://%2doProxyCommand=TRAP/app.git',
    'ssh://-oProxyCommand=TRAP@host.invalid/app.git',
    'git://host.invalid/app.git',
    'ftp://host.invalid/app.git',
    'https://host.invalid/\napp.git',
  ])('are refused: %s', async (written) => {
    const trap = await setTrap()
    const address = written.replaceAll('TRAP', trap.program)
    const trouble = troubleOf(await readGit({ place: asAddress(address) }))
    expect(trouble).toContain('does not fetch from')
    expect(await trap.isSprung()).toBe(false)
  })

  it('are refused as origin of a clone that is fetched, in every disguise', async () => {
    const remote = await repositoryOf(spec)
    const trap = await setTrap()
    const disguises: readonly Readonly<Record<string, string>>[] = [
      { 'remote.origin.url': `ext::${trap.program}` },
      { 'remote.origin.url': `--upload-pack=${trap.program}` },
      { 'remote.origin.vcs': 'ext', 'remote.origin.url': trap.program },
      { 'remote.origin.url': 'https://x/', [`url.ext::${trap.program}.insteadOf`]: 'https://x/' },
      { 'remote.origin.uploadpack': `${trap.program}; git-upload-pack` },
    ]
    for (const disguise of disguises) {
      const folder = await cloneOf(remote)
      const settings = { 'protocol.ext.allow': 'always', 'protocol.allow': 'always', ...disguise }
      for (const [key, value] of Object.entries(settings)) await git(folder, ['config', key, value])
      await readGit({ place: asPath(folder, true) })
      expect({ disguise, sprung: await trap.isSprung() }).toEqual({ disguise, sprung: false })
    }
    const folder = await cloneOf(remote)
    await git(folder, ['config', 'protocol.allow', 'always'])
    await git(folder, ['config', 'remote.origin.url', `ext::${trap.program}`])
    await git(folder, ['fetch']).catch(() => undefined)
    expect(await trap.isSprung()).toBe(true)
  })
})

describe('programs that a clone names', () => {
  it('are not run: hooks, file system monitors, pagers, commands for alternates', async () => {
    const remote = await repositoryOf(spec)
    const folder = await cloneOf(remote)
    const borrowed = await cloneOf(remote)
    await writeFile(join(folder, '.git/objects/info/alternates'), `${borrowed}/.git/objects\n`)
    const trap = await setTrap()
    const hooks = join(folder, '.git/hooks')
    await mkdir(hooks, { recursive: true })
    for (const name of ['reference-transaction', 'post-fetch', 'pre-auto-gc', 'post-index-change']) {
      await writeFile(join(hooks, name), await readFile(trap.program))
      await chmod(join(hooks, name), 0o755)
    }
    const settings = {
      'core.fsmonitor': trap.program,
      'core.pager': trap.program,
      'pager.for-each-ref': 'true',
      'core.alternateRefsCommand': trap.program,
      'core.askPass': trap.program,
    }
    for (const [key, value] of Object.entries(settings)) await git(folder, ['config', key, value])
    await changeRepository(remote, {
      commits: [{ id: 'new', parents: ['b'], committedAt: day(9) }],
      references: [{ kind: 'branch', name: 'main', commit: 'new' }],
    })
    expect(troubleOf(await readGit({ place: asPath(folder) }))).toBe('')
    expect(troubleOf(await readGit({ place: asPath(folder, true) }))).toBe('')
    expect(await trap.isSprung()).toBe(false)
    await git(folder, ['fetch', '--quiet']).catch(() => undefined)
    expect(await trap.isSprung()).toBe(true)
  })

  it('are not run for our own copies, which have no hooks of a template either', async () => {
    const remote = await repositoryOf(spec)
    const trap = await setTrap()
    const home = await temporaryFolder()
    const template = join(home, 'template/hooks')
    await mkdir(template, { recursive: true })
    await writeFile(join(template, 'reference-transaction'), await readFile(trap.program), { mode: 0o755 })
    const global = join(home, 'gitconfig')
    await writeFile(global, `[init]\n\ttemplateDir = ${home}/template\n[core]\n\thooksPath = ${template}\n`)
    const environment = {
      ...testEnvironment(),
      GIT_CONFIG_GLOBAL: global,
      GIT_TEMPLATE_DIR: `${home}/template`,
    }
    expect(troubleOf(await readGit({ place: asAddress(`file://${remote.path}`), environment }))).toBe('')
    expect(await trap.isSprung()).toBe(false)
    await git(home, ['init', '--quiet', 'x'], environment)
    await git(join(home, 'x'), ['commit', '--allow-empty', '-qm', 'x'], environment).catch(() => undefined)
    expect(await trap.isSprung()).toBe(true)
  })
})

describe('a clone', () => {
  it('that lacks objects on purpose has none of them fetched', async () => {
    const remote = await repositoryOf(spec)
    await git(remote.path, ['config', 'uploadpack.allowFilter', 'true'])
    await git(remote.path, ['config', 'uploadpack.allowAnySHA1InWant', 'true'])
    const folder = join(await temporaryFolder(), 'clone')
    await git('/', ['clone', '--quiet', '--bare', '--filter=blob:none', `file://${remote.path}`, folder])
    await git(folder, ['update-ref', 'refs/remotes/origin/main', remote.id('b')])
    const file = (await git(remote.path, ['rev-parse', `${remote.id('a')}:file`])).trim()
    const asked = [file, remote.id('other')]
    const before = await objectsOf(folder)
    const history = await readGit({ place: asPath(folder) }, { commits: asked })
    expect(troubleOf(history)).toBe('')
    expect(asked.map((id) => fateOf(history, id))).toEqual(['absent', 'absent'])
    expect(await objectsOf(folder)).toEqual(before)
    // Plain git would have gone and got it.
    expect((await git(folder, ['cat-file', '-t', remote.id('other')])).trim()).toBe('commit')
  })

  it('is read as its commits are, not as replacements and grafts have them', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const { path, id } = repository
    await git(path, ['replace', id('b'), id('other')])
    const history = await readGit({ place: asPath(path) })
    expect(commitsOf(history, repository)).toEqual(['b < a', 'a <'])
    await git(path, ['replace', '-d', id('b')])
    await mkdir(join(path, '.git/info'), { recursive: true })
    await writeFile(join(path, '.git/info/grafts'), `${id('b')}\n`)
    expect(await git(path, ['rev-list', '--count', id('b')])).toBe('1\n')
    expect(commitsOf(await readGit({ place: asPath(path) }), repository)).toEqual(['b < a', 'a <'])
  })

  it('is not changed by being read', async () => {
    const remote = await repositoryOf(spec)
    const folder = await cloneOf(remote)
    const before = await filesOf(folder)
    expect(
      troubleOf(await readGit({ place: asPath(folder) }, { commits: ['f'.repeat(40)], pullRequests: true })),
    ).toBe('')
    expect(await filesOf(folder)).toEqual(before)
  })

  it('that may be fetched gets references of ours, and keeps all of its own as they were', async () => {
    const remote = await repositoryOf(spec)
    const folder = await cloneOf(remote)
    await git(folder, ['tag', 'mine', remote.id('b')])
    await git(folder, ['branch', 'topic', remote.id('a')])
    const before = await git(folder, ['for-each-ref'])
    await changeRepository(remote, {
      commits: [{ id: 'new', parents: ['a'], committedAt: day(9) }],
      references: [
        { kind: 'branch', name: 'main', commit: 'new' },
        { kind: 'tag', name: 'v2', commit: 'other' },
      ],
      removed: ['refs/tags/v1'],
    })
    const history = await readGit({ place: asPath(folder, true) }, { commits: [remote.id('b')] })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, remote)).toEqual(['branch main = new', 'tag v2 = other'])
    expect(fateOf(history, remote.id('b'))).toBe('unreached')
    const after = (await git(folder, ['for-each-ref'])).split('\n')
    expect(after.filter((line) => !line.includes('\trefs/winnow/')).join('\n')).toBe(before)
    expect(await exists(join(folder, '.git/FETCH_HEAD'))).toBe(false)
    // Deleted on the server, gone here at the next fetch.
    await changeRepository(remote, { removed: ['refs/tags/v2'] })
    expect(namesOf(await readGit({ place: asPath(folder, true) }), remote)).toEqual(['branch main = new'])
    expect((await git(folder, ['for-each-ref', 'refs/winnow'])).trim()).toContain('refs/winnow/heads/main')
  })
})

describe('the environment of the caller', () => {
  it('leads git to no other repository, object store or configuration, and to no trace', async () => {
    const repository = await repositoryOf(spec, { form: 'clone' })
    const wrong = await repositoryOf({ ...spec, references: [] }, { form: 'clone' })
    const trap = await setTrap()
    const trace = join(await temporaryFolder(), 'trace')
    const environment = {
      ...testEnvironment(),
      GIT_DIR: join(wrong.path, '.git'),
      GIT_WORK_TREE: wrong.path,
      GIT_COMMON_DIR: join(wrong.path, '.git'),
      GIT_INDEX_FILE: '/dev/null',
      GIT_OBJECT_DIRECTORY: '/nowhere',
      GIT_ALTERNATE_OBJECT_DIRECTORIES: '/nowhere',
      GIT_NAMESPACE: 'nowhere',
      GIT_SHALLOW_FILE: '/dev/null',
      GIT_CEILING_DIRECTORIES: '/nowhere',
      GIT_CONFIG: '/nowhere',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.fsmonitor',
      GIT_CONFIG_VALUE_0: trap.program,
      GIT_CONFIG_PARAMETERS: `'core.bare'='nonsense'`,
      GIT_DEFAULT_HASH: 'sha256',
      GIT_EXTERNAL_DIFF: trap.program,
      GIT_PAGER: trap.program,
      GIT_TRACE: trace,
      GIT_TRACE2_EVENT: trace,
      GIT_TRACE_CURL: trace,
      GIT_REPLACE_REF_BASE: 'refs/heads',
      LANG: 'de_DE.UTF-8',
      LANGUAGE: 'de',
    }
    const history = await readGit({ place: asPath(repository.path), environment })
    expect(troubleOf(history)).toBe('')
    expect(namesOf(history, repository)).toEqual(['branch main = b', 'tag v1 = a'])
    expect(await trap.isSprung()).toBe(false)
    expect(await exists(trace)).toBe(false)
    const remote = await repositoryOf(spec)
    expect(troubleOf(await readGit({ place: asAddress(`file://${remote.path}`), environment }))).toBe('')
  })

  it('chooses the ssh that is run, which asks nobody', async () => {
    const folder = await temporaryFolder()
    const said = join(folder, 'said')
    const bin = join(folder, 'bin')
    await mkdir(bin)
    const program = `#!/bin/sh\necho "$0 $*" >> ${said}\n(: < /dev/tty) 2>/dev/null && echo "has a terminal" >> ${said}\necho "Host key verification failed." >&2\nexit 255\n`
    await writeFile(join(bin, 'ssh'), program, { mode: 0o755 })
    await writeFile(join(bin, 'my-ssh'), program, { mode: 0o755 })
    const environment = { ...testEnvironment(), PATH: `${bin}:${process.env['PATH'] ?? ''}` }
    const place = asAddress('git@host.invalid:acme/app.git')
    const trouble = troubleOf(await readGit({ place, environment }))
    expect(trouble).toContain('known_hosts')
    expect(await readFile(said, 'utf8')).toContain('/ssh -o BatchMode=yes')
    await writeFile(said, '')
    const global = join(folder, 'gitconfig')
    await writeFile(global, `[core]\n\tsshCommand = ${bin}/my-ssh -i key\n`)
    await readGit({ place, environment: { ...environment, GIT_CONFIG_GLOBAL: global } })
    await readGit({ place, environment: { ...environment, GIT_SSH_COMMAND: `${bin}/my-ssh -v` } })
    const lines = (await readFile(said, 'utf8')).trim().split('\n')
    expect(lines.filter((line) => !line.includes('my-ssh'))).toEqual([])
    expect(lines.some((line) => line.includes('-i key'))).toBe(true)
    expect(lines.some((line) => line.includes('-v'))).toBe(true)
  })
})

async function objectsOf(path: string): Promise<readonly string[]> {
  return (await readdir(join(path, 'objects'), { recursive: true })).toSorted()
}

async function filesOf(path: string): Promise<readonly string[]> {
  const names = await readdir(path, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Promise.all(
    files.toSorted().map(async (file) => {
      const { mtimeMs, size } = await stat(file)
      return `${file} ${size} ${mtimeMs}`
    }),
  )
}
