/** Where the state lies; alone in its file, because whoever only needs its name need not load a database. */
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Where the state lies when nobody says: `$XDG_STATE_HOME/winnow`, or its default (XDG Base Directory 0.8). */
export function defaultStateDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_STATE_HOME']
  // The specification has relative paths ignored.
  if (base !== undefined && isAbsolute(base)) return join(base, 'winnow')
  return join(
    env['HOME'] === undefined || env['HOME'] === '' ? homedir() : env['HOME'],
    '.local',
    'state',
    'winnow',
  )
}
