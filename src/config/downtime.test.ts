/** Mistakes in `downtime:`, each told with its cure. */
import { describe, expect, it } from 'vitest'
import { formatDiagnostic } from './diagnostics.ts'
import { inRegistry, mistakes } from './testdata/mistakes.ts'

const inDowntime = (downtime: string): string =>
  inRegistry(`{url: 'https://r', sweep: {maintenance: {stop: [a], start: [b], downtime: {${downtime}}}}}`)
const icinga = (more: string, at = 'https://icinga:5665'): string =>
  inDowntime(`icinga2: {url: '${at}', service: 'host!a b', duration: 15m${more}}`)

describe('a downtime', () => {
  it.each([
    { name: 'without a login', text: icinga('') },
    { name: 'with a login', text: icinga(', username: w, passwordFile: p, caFile: ca.pem') },
    {
      name: 'over plain http without a password',
      text: inDowntime(`alertmanager: {url: 'http://am:9093', matchers: [a=b], duration: 1m}`),
    },
    {
      name: 'over plain http on this machine',
      text: icinga(', username: w, passwordEnv: P', 'http://127.0.0.1:5665'),
    },
    { name: 'of a webhook', text: inDowntime(`webhook: {url: 'https://hooks/x', insecureSkipVerify: true}`) },
  ])('may be $name', ({ text }) => {
    expect(mistakes(text)).toEqual([])
  })

  it.each([
    {
      name: 'a service without its host',
      text: icinga('').replace('host!a b', 'a b'),
      says: /host.*exclamation mark/,
    },
    { name: 'a third part', text: icinga('').replace('host!a b', 'a!b!c'), says: /host.*exclamation mark/ },
    { name: 'a password without a user', text: icinga(', passwordEnv: P'), says: /needs a user name/ },
    { name: 'a user without a password', text: icinga(', usernameEnv: P'), says: /needs a password/ },
    { name: 'two users', text: icinga(', username: w, usernameEnv: U, passwordEnv: P'), says: /same thing/ },
    {
      name: 'a password in the clear',
      text: icinga(', username: w, passwordEnv: P', 'http://icinga:5665'),
      says: /in the clear/,
    },
    { name: 'no length', text: icinga('').replace('15m', '0s'), says: /no length/ },
  ])('is refused with $name', ({ text, says }) => {
    const found = mistakes(text).map(formatDiagnostic)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(says)
  })
})
