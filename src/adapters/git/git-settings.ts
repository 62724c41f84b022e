/** What a reader of Git is told: resolved, no configuration in it. */
import type { GitName } from '../../core/git/git-history.ts'
import type { Forge } from '../../ports/forge.ts'
import type { LeaseStore } from '../../ports/lease.ts'
import type { CredentialSource } from '../http/credentials.ts'
import type { Environment } from './git-environment.ts'
import type { GitLimits } from './git-limits.ts'

export type GitPlace =
  /** The top folder of a clone, or a bare repository; absolute. Fetched first when `fetch` is true. */
  | { readonly kind: 'clone'; readonly path: string; readonly fetch: boolean }
  /** With https, ssh (in both spellings) or file, or http to this machine. */
  | { readonly kind: 'address'; readonly address: string }

export interface GitReaderSettings {
  /** How rules and plans call it. */
  readonly name: GitName
  readonly place: GitPlace
  /** Below it, in `git/`, lie the copies of repositories with an address. Made when it is needed. */
  readonly stateDirectory: string
  /** Keeps runs apart that fetch the same address. */
  readonly leases: LeaseStore
  /** For https. @default git's own: credential helpers, .netrc; ssh has its agent and keys in any case */
  readonly credentials?: CredentialSource
  /** Says which pull requests are open. @default every one that has a reference counts as open */
  readonly forge?: Forge
  /** Allows plain http to other machines. @default false */
  readonly insecure?: boolean
  /** PATH, HOME, and how the person reaches servers. @default process.env */
  readonly environment?: Environment
  /** Each left out has its default. */
  readonly limits?: Partial<GitLimits>
  /** The program. @default git */
  readonly program?: string
}
