/**
 * What an answer to `/v2/`, asked without a login, shows of the product behind it: its headers, and where it sends people
 * to log in. A mark that others could bear too names the question that confirms it.
 */
import { parseChallenges, type Challenge } from '../http/challenges.ts'
import type { HttpResponse } from '../http/http-types.ts'
import { kindOfHost } from './recognise-hosts.ts'
import type { RegistryKind } from './index.ts'
import type { ProbeName } from './recognise-probes.ts'

export type Mark =
  | {
      readonly is: 'product'
      readonly kind: RegistryKind
      /** What showed it: `its header Server`. */
      readonly by: string
      /** The question that makes it certain; undefined where it is. */
      readonly confirmedBy?: ProbeName
    }
  /** Another registry's login is asked for: this address only passes on what that one says. */
  | { readonly is: 'front'; readonly of: RegistryKind; readonly realm: string }

/**
 * @param root the answer to `/v2/` without credentials
 * @param host of the registry's own address, with its port
 */
export function markOf(root: HttpResponse, host: string): Mark | undefined {
  const challenges = parseChallenges(root.headers.get('www-authenticate') ?? '')
  return markOfHeaders(root) ?? firstOf(challenges, (each) => markOfChallenge(each, host)) ?? gitHubMark(root)
}

const headerMarks: readonly (readonly [header: string, value: RegExp, kind: RegistryKind])[] = [
  ['gitlab-container-registry-version', /./, 'gitlab'],
  ['x-jfrog-version', /./, 'artifactory'],
  ['x-artifactory-id', /./, 'artifactory'],
  ['x-artifactory-node-id', /./, 'artifactory'],
  ['server', /^artifactory\b/i, 'artifactory'],
  ['server', /^nexus\b/i, 'nexus'],
]

function markOfHeaders({ headers }: HttpResponse): Mark | undefined {
  return firstOf(headerMarks, ([header, value, kind]) =>
    value.test(headers.get(header) ?? '')
      ? { is: 'product', kind, by: `its header ${headerShown(header)}` }
      : undefined,
  )
}

/** GitHub marks every answer; GitHub Enterprise Server has its registry at `containers.HOST`. */
function gitHubMark({ headers }: HttpResponse): Mark | undefined {
  const header = ['x-github-enterprise-version', 'x-github-request-id'].find((each) => headers.has(each))
  if (header === undefined) return undefined
  return { is: 'product', kind: 'ghcr', by: `its header ${headerShown(header)}` }
}

function markOfChallenge({ scheme, parameters }: Challenge, host: string): Mark | undefined {
  const service = parameters.get('service') ?? ''
  const realm = parameters.get('realm') ?? ''
  if (scheme === 'basic' && /^sonatype nexus/i.test(realm))
    return { is: 'product', kind: 'nexus', by: 'the name in its request for a login' }
  if (!URL.canParse(realm)) return undefined
  const at = new URL(realm)
  const other = at.host === host ? undefined : kindOfHost(at.hostname)
  if (other !== undefined) return { is: 'front', of: other, realm: at.host }
  return scheme === 'bearer' ? markOfRealm(at, service) : undefined
}

function markOfRealm({ pathname, host }: URL, service: string): Mark | undefined {
  const by = `its login at ${pathname}`
  // Paths and services as the products spell them (reference of each product); `service` tells two `/v2/token` apart.
  if (pathname.endsWith('/jwt/auth')) return { is: 'product', kind: 'gitlab', by }
  if (service === 'trow_registry') return { is: 'product', kind: 'trow', by }
  if (service === 'harbor-registry' || pathname === '/service/token')
    return { is: 'product', kind: 'harbor', by, confirmedBy: 'harbor' }
  if (pathname.endsWith('/v2/auth')) return { is: 'product', kind: 'quay', by, confirmedBy: 'quay' }
  if (pathname.endsWith('/v2/token') && service === 'container_registry')
    return { is: 'product', kind: 'gitea', by, confirmedBy: 'gitea' }
  if (pathname === '/oauth2/token' && service === host) return { is: 'product', kind: 'acr', by }
  return undefined
}

/** `x-jfrog-version` as people write it: `X-Jfrog-Version`. */
function headerShown(header: string): string {
  return header.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
}

function firstOf<T, R>(values: readonly T[], of: (value: T) => R | undefined): R | undefined {
  for (const value of values) {
    const found = of(value)
    if (found !== undefined) return found
  }
  return undefined
}
