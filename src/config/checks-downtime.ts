/** What must hold between the keys of `downtime:`: logins are whole, and no password travels in the clear. */
import { isLoopback } from './addresses.ts'
import { parseDuration } from './durations.ts'
import { isRecord, type Report } from './report.ts'
import type { Path } from './yaml-source.ts'

/** Checks `downtime:` at `path`; parts that are not of the right kind are told elsewhere and passed over. */
export function checkDowntime(downtime: unknown, path: Path, report: Report): void {
  if (!isRecord(downtime)) return
  for (const kind of ['icinga2', 'alertmanager'] as const) {
    const settings = downtime[kind]
    if (!isRecord(settings)) continue
    checkLogin(settings, [...path, kind], report)
    checkLength(settings['duration'], [...path, kind, 'duration'], report)
  }
}

function checkLogin(settings: Readonly<Record<string, unknown>>, path: Path, report: Report): void {
  const has = (key: string): boolean => settings[key] !== undefined
  for (const [one, other] of [
    ['username', 'usernameEnv'],
    ['passwordFile', 'passwordEnv'],
  ] as const) {
    if (has(one) && has(other))
      report([...path, other], `\`${one}\` and \`${other}\` say the same thing.`, 'Keep one.', true)
  }
  const hasName = has('username') || has('usernameEnv')
  const hasPassword = has('passwordFile') || has('passwordEnv')
  if (hasPassword && !hasName) {
    report(path, 'A password needs a user name.', 'Add `username` or `usernameEnv`.', true)
  } else if (hasName && !hasPassword) {
    report(path, 'A user name needs a password.', 'Add `passwordFile` or `passwordEnv`.', true)
  } else if (hasPassword && isInTheClear(settings['url'])) {
    report(
      [...path, 'url'],
      'http:// to another machine sends the password in the clear.',
      'Write https://; `caFile` names an authority of your own.',
    )
  }
}

function isInTheClear(url: unknown): boolean {
  if (typeof url !== 'string' || !URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !isLoopback(hostname)
}

function checkLength(duration: unknown, path: Path, report: Report): void {
  if (typeof duration !== 'string') return
  const parsed = parseDuration(duration)
  if ('ms' in parsed && parsed.ms < 1000)
    report(
      path,
      'A downtime of no length silences nothing.',
      'Write how long a sweep may take at most: `15m`.',
    )
}
