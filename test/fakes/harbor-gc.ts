/**
 * Garbage collection of a fake Harbor: runs with ids that go from word to word each time they are looked at, the parameter
 * that counts as true when it is missing, and logs as Harbor's job writes them.
 */
import { json, type FakeRequest, type Reply } from './fake-server.ts'
import type { HarborState } from './harbor-state.ts'

export interface GcRow {
  readonly id: number
  kind: string
  /** What it says at each look, the last word for ever. */
  words: string[]
  readonly parameters: Record<string, unknown>
  log: string
}

export class HarborGc {
  readonly rows: GcRow[] = []
  /** What the next run that is begun goes through. */
  course: readonly string[] = ['Pending', 'Running', 'Success']
  /** Whether rows tell what was freed, as newer versions do, beside the log. */
  tellsInRows = true
  /** Answers 409 to whoever begins one. */
  isBlocked = false
  freedBytes = 36_000_000
  #ids = 6

  begun(parameters: Record<string, unknown>, words: readonly string[] = this.course, kind = 'MANUAL'): GcRow {
    this.#ids += 1
    const row = { id: this.#ids, kind, words: [...words], parameters, log: '' }
    // The newest is not the first of the list.
    this.rows.push(row)
    return row
  }

  /** @param path behind `system/gc` */
  answer(path: string, request: FakeRequest, state: HarborState, mayBegin: boolean): Reply | 'list' {
    if (path === '') return 'list'
    if (path === '/schedule' && request.method === 'POST') return this.#begin(request, state, mayBegin)
    const [, id, what] = /^\/(\d+)(\/log)?$/.exec(path) ?? []
    const row = this.rows.find((each) => `${each.id}` === id)
    if (row === undefined) return failure(404, 'NOT_FOUND', `gc ${path} not found`)
    if (what !== undefined) return { status: 200, headers: { 'content-type': 'text/plain' }, body: row.log }
    if (row.words.length > 1) row.words.shift()
    return json(200, this.rowOf(row))
  }

  rowOf({ id, kind, words, parameters, log }: GcRow): object {
    const [status = 'Pending'] = words
    const told = status === 'Success' && this.tellsInRows && log !== ''
    const counts = told ? { freed_space: this.freedBytes, purged_blobs: 4, purged_manifests: 2 } : {}
    return {
      ...{ id, job_name: 'GARBAGE_COLLECTION', job_kind: kind, job_status: status, deleted: false },
      job_parameters: JSON.stringify({ ...parameters, ...counts }),
      schedule: { type: 'Manual', cron: '', next_scheduled_time: '0001-01-01T00:00:00.000Z' },
    }
  }

  #begin(request: FakeRequest, state: HarborState, mayBegin: boolean): Reply {
    if (!mayBegin) return failure(403, 'FORBIDDEN', 'forbidden')
    if (this.isBlocked) return failure(409, 'CONFLICT', 'a schedule exists')
    const asked = JSON.parse(request.body.toString()) as {
      readonly schedule?: { readonly type?: string }
      readonly parameters?: Record<string, unknown>
    }
    if (asked.schedule?.type !== 'Manual') return failure(400, 'BAD_REQUEST', 'not the way for a fake')
    const parameters = asked.parameters ?? {}
    // The default of Harbor's job.
    if (parameters['delete_untagged'] !== false) deleteUntagged(state)
    const row = this.begun(parameters)
    row.log = [
      '2026-11-25T03:00:00Z [INFO] [/jobservice/job/impl/gc/garbage_collection.go:100]: start to run gc',
      ...(this.course.includes('Error')
        ? [
            '2026-11-25T03:00:01Z [ERROR] [/jobservice/job/impl/gc/x.go:1]: failed to delete blob from storage',
          ]
        : [
            '2026-11-25T03:00:02Z [INFO] [x.go:2]: 4 blobs and 2 manifests are actually deleted',
            `2026-11-25T03:00:02Z [INFO] [x.go:3]: The GC job actual frees up ${Math.floor(this.freedBytes / 1024 / 1024)} MB space.`,
          ]),
    ].join('\n')
    return { status: 201, headers: { location: `/api/v2.0/system/gc/${row.id}` } }
  }
}

function deleteUntagged(state: HarborState): void {
  for (const [name, repository] of state.store.repositories)
    for (const digest of [...repository.manifests.keys()])
      if (repository.tagsOf(digest).length === 0) state.remove(name, digest)
}

function failure(status: number, code: string, message: string): Reply {
  return json(status, { errors: [{ code, message }] })
}
