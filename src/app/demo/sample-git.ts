/**
 * A Git repository as files, as a clone of it would have them: commits without content, one branch of a remote, tags. The
 * same commits always have the same ids, so images can name them before the repository is written.
 *
 * Source: gitformat-pack(5) for loose objects (`type size NUL content`, compressed), gitrepository-layout(5) for the rest.
 */
import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import type { InstantMs } from '../../core/inventory/inventory.ts'
import type { SampleFile } from './registry-tree.ts'

export interface SampleCommit {
  /** 40 hexadecimal digits. */
  readonly id: string
  readonly subject: string
  readonly at: InstantMs
  readonly bytes: Buffer
}

interface SampleReferences {
  /** Branches of the remote and tags, each with the id of its commit. */
  readonly branches: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

const emptyTree = objectOf('tree', Buffer.alloc(0))
const author = 'Kim Sample <kim@example.com>'

/** A line of commits, oldest first, each the parent of the next. */
export function sampleCommits(
  subjects: readonly { readonly subject: string; readonly at: InstantMs }[],
): readonly SampleCommit[] {
  const commits: SampleCommit[] = []
  for (const { subject, at } of subjects) {
    const parent = commits.at(-1)
    const seconds = Math.floor(at / 1000)
    const lines = [
      `tree ${emptyTree.id}`,
      ...(parent === undefined ? [] : [`parent ${parent.id}`]),
      `author ${author} ${seconds} +0000`,
      `committer ${author} ${seconds} +0000`,
      '',
      subject,
      '',
    ]
    commits.push({ ...objectOf('commit', Buffer.from(lines.join('\n'))), subject, at: seconds * 1000 })
  }
  return commits
}

/** The files of a bare clone in a folder. */
export function sampleClone(
  folder: string,
  commits: readonly SampleCommit[],
  { branches, tags }: SampleReferences,
  now: InstantMs,
): readonly SampleFile[] {
  const file = (path: string, bytes: Uint8Array | string): SampleFile => ({
    path: `${folder}/${path}`,
    bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes,
    modifiedAt: now,
  })
  const references = [
    ...Object.entries(branches).map(([name, id]) => `${id} refs/remotes/origin/${name}`),
    ...Object.entries(tags).map(([name, id]) => `${id} refs/tags/${name}`),
  ].toSorted((a, b) => (a.slice(41) < b.slice(41) ? -1 : 1))
  return [
    file('HEAD', 'ref: refs/heads/main\n'),
    file('config', cloneConfig),
    // Git takes a folder for a repository only where this one is, empty or not.
    file('refs/heads/.keep', ''),
    file('packed-refs', `# pack-refs with: peeled fully-peeled sorted \n${references.join('\n')}\n`),
    ...[emptyTree, ...commits].map(({ id, bytes }) =>
      file(`objects/${id.slice(0, 2)}/${id.slice(2)}`, deflateSync(bytes)),
    ),
  ]
}

const cloneConfig = `[core]
\trepositoryformatversion = 0
\tbare = true
[remote "origin"]
\turl = https://git.example.com/team/api.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
`

function objectOf(type: string, content: Buffer): { readonly id: string; readonly bytes: Buffer } {
  const bytes = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content])
  // SHA-1 is what names objects in nearly every repository there is; nothing here is trusted because of it.
  return { id: createHash('sha1').update(bytes).digest('hex'), bytes }
}
