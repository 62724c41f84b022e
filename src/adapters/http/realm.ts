/**
 * Decides whether a token server may be spoken to. Its address comes from the registry's answer, so whoever answers
 * in the registry's place chooses it: it must not become a way to read credentials, or to reach inside a network.
 *
 * Rules: https, or http only where the registry itself is plain http; not on a private, link-local or loopback
 * address, by literal or by name, unless it is the registry's own host or that was allowed. Nothing is sent before.
 */
import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { bare, isInternalAddress, isLoopbackHost } from './addresses.ts'
import { RealmRefusedError } from './http-errors.ts'
import { redactUrl } from './redact.ts'

export interface RealmRules {
  /** The registry's own URL. */
  readonly base: URL
  readonly allowPrivateRealm: boolean
}

/**
 * The realm as a URL, once its form is beyond doubt; names are looked into when the connection is made
 * (`publicOnlyLookup`), so that no second resolution can give another answer than the one that was checked.
 *
 * @throws RealmRefusedError
 */
export function checkRealm(realm: string, rules: RealmRules): URL {
  if (!URL.canParse(realm))
    throw new RealmRefusedError(JSON.stringify(redactUrl(realm)), 'that is no URL', REPORT)
  const url = new URL(realm)
  const shown = redactUrl(url.href)
  if (url.username !== '' || url.password !== '') {
    throw new RealmRefusedError(shown, 'its address carries credentials of its own', REPORT)
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && rules.base.protocol === 'http:')) {
    throw new RealmRefusedError(shown, 'it is not on https', 'Put the token server behind https.')
  }
  if (!needsPublicAddress(url, rules)) return url
  const isInternalLiteral = isIP(bare(url.hostname)) !== 0 && isInternalAddress(url.hostname)
  if (isInternalLiteral || isLoopbackHost(url.hostname)) throw internalRealm(shown)
  return url
}

/** Whether the realm's address must be a public one: it is not the registry's own host, and nobody allowed it. */
export function needsPublicAddress(realm: URL, rules: RealmRules): boolean {
  return !rules.allowPrivateRealm && bare(realm.hostname) !== bare(rules.base.hostname)
}

/** Resolves names for connections that must end at a public address; a single internal address refuses them all. */
export const publicOnlyLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const first = addresses?.[0]
    if (error !== null || first === undefined) {
      callback(error, [])
    } else if (addresses.some(({ address }) => isInternalAddress(address))) {
      callback(internalRealm(hostname), [])
    } else if (options.all === true) {
      callback(null, addresses)
    } else {
      callback(null, first.address, first.family)
    }
  })
}

/** @throws RealmRefusedError when the name resolves to an internal address; a name that does not resolve passes. */
export async function checkRealmName(hostname: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    publicOnlyLookup(hostname, { all: true }, (error) => {
      if (error instanceof RealmRefusedError) reject(error)
      else resolve()
    })
  })
}

const REPORT = 'Check that the address of the registry is right; ask its operator what its token server is.'

function internalRealm(shown: string): RealmRefusedError {
  return new RealmRefusedError(
    shown,
    'it is in a private network and is not the registry itself',
    'If this token server is yours, allow it for this registry with `allowPrivateRealm: true`.',
  )
}
