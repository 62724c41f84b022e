/** What GitHub needs beyond what every registry needs: the right kind of token, with the right scopes. */
import type { RunOptions } from '../../../ports/run-options.ts'
import type { DriverCheck } from '../driver.ts'
import type { TokenKind } from './credentials.ts'
import type { Scopes } from './scopes.ts'

const what = 'know the token'
const classic =
  'Make a classic token with read:packages, write:packages and delete:packages, and give Winnow that one.'

export async function checkToken(
  kind: TokenKind,
  scopes: Scopes,
  options: RunOptions,
): Promise<readonly DriverCheck[]> {
  if (kind === 'none')
    return [
      {
        what,
        state: 'failed',
        text: 'there is none; GitHub tells nothing about packages without',
        cure: classic,
      },
    ]
  if (kind === 'installation')
    return [
      {
        what,
        state: 'warning',
        text: 'it is that of a workflow or an app: packages cannot be listed with it, only those that policies name without wildcards are read, and whether it may delete is not told beforehand',
        cure: 'Give the workflow permissions: {packages: write}, and each package the role Admin for its repository under "Manage Actions access"; or use a classic token.',
      },
    ]
  const granted = await scopes.granted(options)
  if (granted === undefined)
    return [{ what, state: 'warning', text: 'GitHub does not tell its scopes', cure: classic }]
  return [
    { what, state: 'ok', text: kind === 'classic' ? 'a classic token' : '' },
    scopeCheck(granted, await scopes.missing(options)),
  ]
}

function scopeCheck(granted: readonly string[], missing: readonly string[]): DriverCheck {
  const text = granted.length === 0 ? 'none' : granted.join(', ')
  if (missing.length === 0) return { what: 'have the scopes', state: 'ok', text }
  const cure = `Give the token ${missing.join(' and ')}: read:packages for planning, delete:packages for deleting, write:packages for removing single tags and for undo.`
  const state = missing.includes('read:packages') ? 'failed' : 'warning'
  return { what: 'have the scopes', state, text: `has ${text}; lacks ${missing.join(', ')}`, cure }
}
