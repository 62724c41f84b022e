/** What must hold between the keys of one registry. */
import { isLoopback } from './addresses.ts'
import { checkDowntime } from './checks-downtime.ts'
import type { Report } from './report.ts'
import { isRecord } from './report.ts'
import { valueAt } from './explain-issues.ts'
import { hasUserinfo } from './secrets.ts'
import type { Path } from './yaml-source.ts'

/** Checks the registry at `path`; parts that are not of the right kind are told elsewhere and passed over. */
export function checkRegistry(registry: unknown, path: Path, report: Report): void {
  if (!isRecord(registry)) return
  if (registry['url'] === undefined && registry['storage'] === undefined) {
    report(
      path,
      'A registry needs `url:` or `storage:`.',
      'Write `url: https://…`, or where its files lie.',
      true,
    )
  }
  checkScheme(registry, path, report)
  checkAuth(registry['auth'], [...path, 'auth'], report)
  checkTls(registry['tls'], [...path, 'tls'], report)
  checkStorage(registry['storage'], [...path, 'storage'], report)
  checkSweep(registry['sweep'], [...path, 'sweep'], report)
}

function checkScheme(registry: Readonly<Record<string, unknown>>, path: Path, report: Report): void {
  const url = registry['url']
  if (typeof url !== 'string' || !URL.canParse(url) || hasUserinfo(url)) return
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'http:' || isLoopback(hostname) || registry['insecure'] === true) return
  report(
    [...path, 'url'],
    'http:// to another machine sends credentials and images in the clear.',
    'Write https://, or add `insecure: true` if that is what you want.',
  )
}

function checkAuth(auth: unknown, path: Path, report: Report): void {
  if (!isRecord(auth)) return
  const has = (key: string): boolean => auth[key] !== undefined
  for (const [one, other] of [
    ['username', 'usernameEnv'],
    ['passwordFile', 'passwordEnv'],
    ['tokenFile', 'tokenEnv'],
  ] as const) {
    if (has(one) && has(other))
      report([...path, other], `\`${one}\` and \`${other}\` say the same thing.`, 'Keep one.', true)
  }
  const hasName = has('username') || has('usernameEnv')
  const hasPassword = has('passwordFile') || has('passwordEnv')
  const hasToken = has('tokenFile') || has('tokenEnv')
  // A literal password has its own, better message.
  if (Object.keys(auth).some((key) => /^(?:password|token)$/i.test(key))) return
  if (!hasName && !hasPassword && !hasToken) {
    report(
      path,
      'No credentials are named.',
      'Leave `auth:` out to use Docker’s and Podman’s auth files.',
      true,
    )
  } else if (hasToken && (hasName || hasPassword)) {
    report(path, 'Either a token, or a user name and password.', 'Take one of the two out.', true)
  } else if (!hasToken && !hasName) {
    report(path, 'A password needs a user name.', 'Add `username` or `usernameEnv`.', true)
  } else if (!hasToken && !hasPassword) {
    report(path, 'A user name needs a password.', 'Add `passwordFile` or `passwordEnv`.', true)
  }
}

function checkTls(tls: unknown, path: Path, report: Report): void {
  if (!isRecord(tls)) return
  if ((tls['certFile'] === undefined) === (tls['keyFile'] === undefined)) return
  report(
    path,
    '`certFile` and `keyFile` need each other.',
    'Write both: a certificate is shown with its key.',
    true,
  )
}

const stores = ['filesystem', 's3', 'gcs', 'azure'] as const

function checkStorage(storage: unknown, path: Path, report: Report): void {
  if (!isRecord(storage)) return
  const given = stores.filter((store) => storage[store] !== undefined)
  if (given.length === 1) return
  report(
    path,
    given.length === 0
      ? 'Nothing says where the files lie.'
      : `Files lie in one place, not in ${given.join(' and ')}.`,
    'Write one of `filesystem`, `s3`, `gcs` and `azure`.',
    true,
  )
}

function checkSweep(sweep: unknown, path: Path, report: Report): void {
  if (!isRecord(sweep)) return
  const maintenance = sweep['maintenance']
  if (sweep['mode'] === 'maintenance' && maintenance === undefined) {
    report(
      [...path, 'mode'],
      '`mode: maintenance` needs `maintenance:`.',
      'Say there how the registry is stopped and started.',
    )
  }
  if (!isRecord(maintenance)) return
  checkDowntime(maintenance['downtime'], [...path, 'maintenance', 'downtime'], report)
  const has = (key: string): boolean => valueAt(maintenance, [key]) !== undefined
  const stops = has('stop') || has('start')
  const switches = has('readOnly') || has('readWrite')
  const isWhole = stops ? has('stop') && has('start') : has('readOnly') && has('readWrite')
  if (isWhole && !(stops && switches)) return
  report(
    [...path, 'maintenance'],
    stops && switches
      ? 'Either the registry is stopped, or it is made read-only.'
      : 'The way out and the way back belong together.',
    'Write `stop` and `start`, or `readOnly` and `readWrite`.',
    true,
  )
}
