import { describe, expect, it } from 'vitest'
import type { HttpClient } from '../http/http-types.ts'
import { UnreachableError } from '../http/http-errors.ts'
import { oldestStart, startIn } from './replica-starts.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const second = (at: string): string => String(Date.parse(at) / 1000)

describe('startIn', () => {
  it.each([
    {
      name: 'reads the start among other metrics',
      text: `# HELP process_start_time_seconds Start.\nprocess_start_time_seconds ${second('2026-06-01T10:00:00Z')}\nup 1\n`,
      start: '2026-06-01T10:00:00Z',
    },
    {
      name: 'reads the notation Go writes, and labels',
      text: 'process_start_time_seconds{job="registry"} 1.7803e+09\n',
      start: '2026-06-01T07:46:40Z',
    },
    {
      name: 'goes by the oldest of several',
      text: `process_start_time_seconds{a="1"} ${second('2026-06-01T10:00:00Z')}\nprocess_start_time_seconds{a="2"} ${second('2026-06-01T09:00:00Z')}\n`,
      start: '2026-06-01T09:00:00Z',
    },
    {
      name: 'counts from the other side’s clock, which is an hour behind',
      text: `process_start_time_seconds ${second('2026-06-01T10:00:00Z')}\n`,
      date: '2026-06-01T11:00:00Z',
      start: '2026-06-01T11:00:00Z',
    },
    {
      name: 'takes a start a moment ahead as now',
      text: `process_start_time_seconds ${second('2026-06-01T12:00:30Z')}\n`,
      start: '2026-06-01T12:00:00Z',
    },
    { name: 'knows none where there is none', text: 'up 1\n', start: undefined },
    {
      name: 'knows none of a metric of another name',
      text: 'other_process_start_time_seconds 1.7e+09\n',
      start: undefined,
    },
    { name: 'knows none of a comment', text: '# process_start_time_seconds 1.7e+09\n', start: undefined },
    { name: 'knows none of nonsense', text: 'process_start_time_seconds soon\n', start: undefined },
    { name: 'knows none of zero', text: 'process_start_time_seconds 0\n', start: undefined },
    {
      name: 'knows none when one of several is nonsense',
      text: 'process_start_time_seconds 1.7e+09\nprocess_start_time_seconds NaN\n',
      start: undefined,
    },
    {
      name: 'knows none of a time to come',
      text: `process_start_time_seconds ${second('2026-06-01T13:00:00Z')}\n`,
      start: undefined,
    },
  ])('$name', ({ text, date, start }) => {
    const headers = new Map(date === undefined ? [] : [['date', new Date(date).toUTCString()]])
    expect(startIn({ headers, text: () => text }, now)).toBe(start && Date.parse(start))
  })
})

describe('oldestStart', () => {
  const starts: Readonly<Record<string, string>> = {
    'http://127.0.0.1:1/metrics': `process_start_time_seconds ${second('2026-06-01T10:00:00Z')}\n`,
    'http://127.0.0.1:2/metrics': `process_start_time_seconds ${second('2026-06-01T08:00:00Z')}\n`,
  }
  const closed: string[] = []
  const createHttp = (base: string): HttpClient => ({
    stats: { requests: 0, retries: 0, tokenRequests: 0, waitedMs: 0, concurrency: 1 },
    close: async () => void closed.push(base),
    request: async ({ url }) => {
      const text = starts[url]
      if (text === undefined) throw new UnreachableError(url, 'nobody listens there', 'Start it.')
      const body = Buffer.from(text)
      const answer = { status: 200, url, headers: new Map<string, string>(), body, attempts: 1 }
      return { ...answer, text: () => text, json: () => undefined }
    },
  })
  const settings = { createHttp, now: () => now }

  it('is that of the oldest replica, and leaves no connection open', async () => {
    const urls = Object.keys(starts)
    expect(await oldestStart({ ...settings, urls })).toEqual({
      kind: 'known',
      startedAt: Date.parse('2026-06-01T08:00:00Z'),
    })
    expect(closed).toEqual(urls)
  })

  it('is unknown as soon as one replica cannot be read', async () => {
    const urls = [...Object.keys(starts), 'http://127.0.0.1:3/metrics']
    expect(await oldestStart({ ...settings, urls })).toMatchObject({
      kind: 'unknown',
      because: expect.stringContaining('http://127.0.0.1:3/metrics') as string,
    })
  })

  it('is unknown where no replica is named', async () => {
    expect(await oldestStart({ ...settings, urls: [] })).toMatchObject({ kind: 'unknown' })
  })
})
