/** What is sent to monitoring systems, and which of their answers are a yes. test/maintenance asks real ones. */
import { afterEach, describe, expect, it } from 'vitest'
import { answer, startFaultServer, type FaultServer, type Script } from '../../../test/http/fault-server.ts'
import type { RegistryName } from '../../core/image/names.ts'
import { MonitoringRefusedError, type Downtime } from '../../ports/monitoring.ts'
import { createHttpClient } from '../http/client.ts'
import type { CredentialSource } from '../http/credentials.ts'
import { UnreachableError } from '../http/http-errors.ts'
import type { HttpClient } from '../http/http-types.ts'
import { createAlertmanagerDowntime } from './alertmanager.ts'
import { createIcinga2Downtime } from './icinga2.ts'
import { monitoringHttp } from './monitoring-server.ts'
import { createWebhookDowntime } from './webhook.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const window = {
  registry: 'onprem' as RegistryName,
  run: 'r-1',
  beganAt: Date.UTC(2026, 10, 25, 3, 0, 0, 400),
}
const login: CredentialSource = {
  get: async () => ({ kind: 'basic', username: 'winnow', password: 'secret-1', origin: 'the variable P' }),
}

const kinds = {
  icinga2: (url: string, http: HttpClient) =>
    createIcinga2Downtime({ url, http, host: 'h"1', service: 'docker registry', durationMs: 900_000 }),
  alertmanager: (url: string, http: HttpClient) => {
    const matchers = [{ name: 'job', value: 'registry', isEqual: true, isRegex: false }]
    return createAlertmanagerDowntime({ url, http, matchers, durationMs: 900_000 })
  },
  webhook: (url: string, http: HttpClient) =>
    createWebhookDowntime({ url: `${url}/hooks/T0/secret-path`, http, now: () => window.beganAt + 60_000 }),
}

async function monitored(
  kind: keyof typeof kinds,
  script: Script,
  credentials?: CredentialSource,
): Promise<{ downtime: Downtime; server: FaultServer }> {
  const server = await startFaultServer(script)
  const http = createHttpClient({
    ...monitoringHttp,
    base: server.url,
    clock: { now: () => Date.now(), sleep: async () => undefined },
    ...(credentials && { credentials }),
  })
  open.push(http, server)
  return { downtime: kinds[kind](server.url, http), server }
}

/** Answers every request with this status and JSON. */
const says =
  (status: number, value: unknown): Script =>
  (_, response) =>
    answer(response, status, typeof value === 'string' ? value : JSON.stringify(value))

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

const bodyOf = ({ requests }: FaultServer, index = 0): unknown => JSON.parse(requests[index]?.body ?? '')

describe('Icinga 2', () => {
  const scheduled = { results: [{ code: 200, name: 'h"1!docker registry!abc', status: 'ok' }] }

  it('is asked for a fixed downtime of one service, whose name is no part of the filter', async () => {
    const { downtime, server } = await monitored('icinga2', says(200, scheduled), login)
    expect(await downtime.begin(window)).toEqual({
      id: 'h"1!docker registry!abc',
      what: 'downtime of "h"1!docker registry"',
      until: Date.UTC(2026, 10, 25, 3, 15),
    })
    const [request] = server.requests
    expect(request).toMatchObject({ method: 'POST', url: '/v1/actions/schedule-downtime' })
    expect(request?.headers).toMatchObject({
      accept: 'application/json',
      authorization: `Basic ${Buffer.from('winnow:secret-1').toString('base64')}`,
    })
    expect(bodyOf(server)).toEqual({
      type: 'Service',
      filter: 'host.name == winnow_host && service.name == winnow_service',
      filter_vars: { winnow_host: 'h"1', winnow_service: 'docker registry' },
      author: 'winnow',
      comment: 'Winnow sweeps the registry onprem (run r-1)',
      start_time: Date.UTC(2026, 10, 25, 3) / 1000,
      end_time: Date.UTC(2026, 10, 25, 3, 15) / 1000,
      fixed: true,
    })
  })

  it.each([
    { status: 200, value: { results: [] }, why: /no service "h"1!docker registry"/ },
    { status: 500, value: { results: [] }, why: /no service/ },
    { status: 404, value: { error: 404, status: 'No objects found.' }, why: /no service/ },
    { status: 404, value: 'nginx', why: /knows no downtimes/ },
    { status: 200, value: { results: [{ code: 403, status: 'Denied.' }] }, why: /\(403\): Denied/ },
    { status: 200, value: { results: [{ code: 200 }, { code: 500, status: 'x' }] }, why: /\(500\): x/ },
    { status: 200, value: { results: [{ status: 'x' }] }, why: /refused/ },
    { status: 200, value: { results: ['x'] }, why: /refused/ },
    { status: 200, value: 'a login page', why: /a login page/ },
    { status: 403, value: { error: 403, status: 'Missing permission' }, why: /\(403\).*Missing permission/ },
    { status: 503, value: 'busy', why: /\(503\): busy/ },
  ])('$status $value is no yes', async ({ status, value, why }) => {
    const { downtime, server } = await monitored('icinga2', says(status, value), login)
    const error = await failure(downtime.begin(window))
    expect(error).toBeInstanceOf(MonitoringRefusedError)
    expect(error.message).toMatch(why)
    expect(server.requests).toHaveLength(1)
  })

  it('is told to remove the downtime by the name it gave', async () => {
    const { downtime, server } = await monitored('icinga2', says(200, scheduled), login)
    await downtime.end({ id: 'a!b!c', what: '', until: undefined }, window)
    expect(server.requests[0]?.url).toBe('/v1/actions/remove-downtime')
    expect(bodyOf(server)).toEqual({ downtime: 'a!b!c' })
  })

  it.each([
    { status: 200, value: { results: [{ code: 500, status: 'x' }] }, why: '(500): x' },
    // The answer to a user without the permission is that of a downtime which is gone.
    {
      status: 404,
      value: { error: 404, status: 'No objects found.' },
      why: 'it has run out, or this API user',
    },
  ])('has not removed it with $status $value', async ({ status, value, why }) => {
    const { downtime } = await monitored('icinga2', says(status, value), login)
    await expect(downtime.end({ id: 'a', what: '', until: undefined }, window)).rejects.toThrow(why)
  })

  it('says what is wrong with the login, and never shows it', async () => {
    const refused = await monitored('icinga2', says(401, 'winnow:secret-1 is wrong'), login)
    const error = (await failure(refused.downtime.begin(window))) as MonitoringRefusedError
    expect(error.message).toBe('Icinga refused the login.')
    expect(error.hint).toContain('the variable P')
    const echo = await monitored('icinga2', says(400, 'what is secret-1?'), login)
    expect((await failure(echo.downtime.begin(window))).message).not.toContain('secret-1')
    const none = await monitored('icinga2', says(401, ''))
    expect((await failure(none.downtime.begin(window))).message).toContain('no credentials are configured')
  })

  it('is not asked twice when the answer is lost', async () => {
    const { downtime, server } = await monitored('icinga2', (_, response) => response.destroy(), login)
    expect(await failure(downtime.begin(window))).toBeInstanceOf(UnreachableError)
    expect(server.requests).toHaveLength(1)
  })
})

describe('Alertmanager', () => {
  it('is asked for a silence with an end', async () => {
    const { downtime, server } = await monitored('alertmanager', says(200, { silenceID: 'abc' }))
    expect(await downtime.begin(window)).toMatchObject({ id: 'abc', what: 'silence of job="registry"' })
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/api/v2/silences' })
    expect(bodyOf(server)).toEqual({
      matchers: [{ name: 'job', value: 'registry', isEqual: true, isRegex: false }],
      startsAt: '2026-11-25T03:00:00.400Z',
      endsAt: '2026-11-25T03:15:00.400Z',
      createdBy: 'winnow',
      comment: 'Winnow sweeps the registry onprem (run r-1)',
    })
  })

  it.each([
    { status: 400, value: 'bad matcher' },
    { status: 200, value: {} },
    { status: 200, value: 'a login page' },
    { status: 302, value: '' },
  ])('$status $value is no yes', async ({ status, value }) => {
    const { downtime } = await monitored('alertmanager', says(status, value))
    expect(await failure(downtime.begin(window))).toBeInstanceOf(Error)
  })

  it('is told to end the silence; one that is gone has ended', async () => {
    for (const status of [200, 404]) {
      const { downtime, server } = await monitored('alertmanager', says(status, ''))
      await downtime.end({ id: 'a/b', what: '', until: undefined }, window)
      expect(server.requests[0]).toMatchObject({ method: 'DELETE', url: '/api/v2/silence/a%2Fb' })
    }
    const { downtime } = await monitored('alertmanager', says(400, 'no'))
    await expect(downtime.end({ id: 'a', what: '', until: undefined }, window)).rejects.toThrow('status 400')
  })
})

describe('a webhook', () => {
  it('is called before and after', async () => {
    const { downtime, server } = await monitored('webhook', says(204, ''))
    const begun = await downtime.begin(window)
    await downtime.end(begun, window)
    expect(begun.until).toBeUndefined()
    expect([bodyOf(server, 0), bodyOf(server, 1)]).toEqual([
      { event: 'begin', registry: 'onprem', run: 'r-1', at: '2026-11-25T03:00:00.400Z' },
      {
        event: 'end',
        registry: 'onprem',
        run: 'r-1',
        at: '2026-11-25T03:01:00.400Z',
        beganAt: '2026-11-25T03:00:00.400Z',
      },
    ])
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/hooks/T0/secret-path' })
    expect(server.requests[0]?.headers['content-type']).toBe('application/json')
  })

  it.each([300, 400, 401, 404, 500])('that answers %s says no, and its path is not shown', async (status) => {
    const { downtime, server } = await monitored('webhook', says(status, 'no'))
    const error = await failure(downtime.begin(window))
    expect(error.message).not.toContain('secret-path')
    expect(server.requests).toHaveLength(1)
  })

  it('that hangs up does not show its path either', async () => {
    const { downtime } = await monitored('webhook', (_, response) => response.destroy())
    const error = await failure(downtime.begin(window))
    expect(error.message).toContain('http://127.0.0.1:')
    expect(error.message).not.toContain('secret-path')
  })
})
