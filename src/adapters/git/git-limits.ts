/** A limit on everything that a repository, or whoever answers for it, could make endless. */

export interface GitLimits {
  /** From the start of a fetch to its end. @default 30 min */
  readonly fetchMs: number
  /** Any other command: reading references, commits, objects. @default 10 min */
  readonly readMs: number
  /** Silence on a connection, after which it is given up. @default 120 s */
  readonly silenceMs: number
  /** How long another run that fetches the same repository is waited for. @default 30 min */
  readonly waitMs: number
  /** @default 1 000 000 */
  readonly referencesMax: number
  /** @default 10 000 000 */
  readonly commitsMax: number
  /** Of what one command prints, whatever it is. @default 4 GiB */
  readonly outputBytesMax: number
  /** In a copy of our own; beyond that they are put into one. @default 64 */
  readonly packsMax: number
  /** From the asking to end to the killing of a command. @default 5 s */
  readonly graceMs: number
}

const minute = 60_000

export const defaultGitLimits: GitLimits = {
  fetchMs: 30 * minute,
  readMs: 10 * minute,
  silenceMs: 120_000,
  waitMs: 30 * minute,
  referencesMax: 1_000_000,
  commitsMax: 10_000_000,
  outputBytesMax: 4 * 1024 ** 3,
  // Each fetch leaves a pack, and every look for an object goes through all of them.
  packsMax: 64,
  graceMs: 5_000,
}
