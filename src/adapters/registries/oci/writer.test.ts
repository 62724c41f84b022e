import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../core/image/digest.ts'
import { ociManifestType } from '../../../core/image/media-types.ts'
import {
  parseRepositoryName,
  parseTagName,
  type RegistryName,
  type RepositoryName,
  type TagName,
} from '../../../core/image/names.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/http-types.ts'
import { DigestMismatchError, RegistryAnswerError } from './errors.ts'
import { createOciWriter } from './writer.ts'
import { digestOf } from './verify-digest.ts'

const app = parseRepositoryName('team/app') as RepositoryName
const v1 = parseTagName('v1') as TagName
const bytes = Buffer.from('{}')
const digest = digestOf(bytes)

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly attempts?: number
}

/** A client that answers from a script, in order. */
function scripted(...answers: readonly Answer[]): HttpClient & { readonly sent: HttpRequest[] } {
  const sent: HttpRequest[] = []
  return {
    sent,
    stats: { requests: 0, retries: 0, tokenRequests: 0, waitedMs: 0, concurrency: 1 },
    close: async () => undefined,
    request: async (request) => {
      const answer = answers[sent.length]
      sent.push(request)
      if (answer === undefined) throw new Error(`nothing was scripted for ${request.method} ${request.url}`)
      return responseOf(request.url, answer)
    },
  }
}

function responseOf(url: string, { status, headers = {}, body = '', attempts = 1 }: Answer): HttpResponse {
  return {
    status,
    url,
    headers: new Map(Object.entries(headers)),
    body: Buffer.from(body),
    attempts,
    text: () => body,
    json: () => JSON.parse(body) as unknown,
  }
}

const error = (code: string, detail?: unknown): string =>
  JSON.stringify({ errors: [{ code, message: code.toLowerCase(), detail }] })
const writerOf = (http: HttpClient, deletesTags = true) =>
  createOciWriter({
    name: 'prod' as RegistryName,
    baseUrl: 'https://registry.example.com/',
    http,
    deletesTags,
  })

describe('deleteManifest', () => {
  it.each<{ readonly name: string; readonly answer: Answer; readonly outcome: object }>([
    { name: '202 is done', answer: { status: 202 }, outcome: { kind: 'done' } },
    {
      name: '404 MANIFEST_UNKNOWN is absent',
      answer: { status: 404, body: error('MANIFEST_UNKNOWN') },
      outcome: { kind: 'absent' },
    },
    {
      name: 'the 404 of a second sending is our own doing',
      answer: { status: 404, body: error('MANIFEST_UNKNOWN'), attempts: 2 },
      outcome: { kind: 'done' },
    },
    {
      name: "zot's 400 for an unknown repository is absent",
      answer: { status: 400, body: error('NAME_UNKNOWN') },
      outcome: { kind: 'absent' },
    },
    {
      name: '405 UNSUPPORTED is switched off, with the setting to change',
      answer: { status: 405, body: error('UNSUPPORTED') },
      outcome: {
        kind: 'refused',
        reason: 'disabled',
        text: expect.stringContaining('REGISTRY_STORAGE_DELETE_ENABLED=true') as string,
      },
    },
    {
      name: '405 in plain text that allows reading is read-only',
      answer: {
        status: 405,
        headers: { 'content-type': 'text/plain; charset=utf-8', allow: 'GET, HEAD' },
        body: 'Method not allowed',
      },
      outcome: { kind: 'refused', reason: 'read-only' },
    },
    {
      name: '405 of anyone else is no such call',
      answer: { status: 405, headers: { 'content-type': 'text/html' }, body: '<html>' },
      outcome: { kind: 'refused', reason: 'unsupported' },
    },
    {
      name: "zot's 405 DENIED is a child of an index",
      answer: { status: 405, body: error('DENIED') },
      outcome: { kind: 'refused', reason: 'referenced' },
    },
    {
      name: "Azure's 405 is a lock",
      answer: { status: 405, body: error('REGISTRY_DISALLOWED_OPERATION') },
      outcome: { kind: 'refused', reason: 'protected' },
    },
    {
      name: "Harbor's 412 is a rule",
      answer: { status: 412, body: error('PRECONDITION') },
      outcome: { kind: 'refused', reason: 'protected' },
    },
    {
      name: 'a dangling parent at Google is a reference',
      answer: { status: 400, body: error('GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE') },
      outcome: { kind: 'refused', reason: 'referenced' },
    },
    {
      name: '403 is forbidden',
      answer: { status: 403, body: error('DENIED') },
      outcome: { kind: 'refused', reason: 'forbidden' },
    },
  ])('$name', async ({ answer, outcome }) => {
    expect(await writerOf(scripted(answer)).deleteManifest(app, digest)).toMatchObject(outcome)
  })

  it('asks for the right to delete', async () => {
    const http = scripted({ status: 202 })
    await writerOf(http).deleteManifest(app, digest)
    expect(http.sent[0]).toMatchObject({
      method: 'DELETE',
      url: `https://registry.example.com/v2/team/app/manifests/${digest}`,
      scopes: ['repository:team/app:pull,delete'],
    })
  })

  it("does not take someone else's 404 page for an absence", async () => {
    const page: Answer = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' }
    const still: Answer = { status: 200, headers: { 'content-type': ociManifestType }, body: '{}' }
    expect(await writerOf(scripted(page, still)).deleteManifest(app, digest)).toMatchObject({
      kind: 'refused',
      reason: 'unsupported',
    })
    await expect(writerOf(scripted(page, page)).deleteManifest(app, digest)).rejects.toBeInstanceOf(
      RegistryAnswerError,
    )
    expect(await writerOf(scripted({ status: 404 }, { status: 404 })).deleteManifest(app, digest)).toEqual({
      kind: 'absent',
    })
  })

  it('throws for an answer that is no refusal, and guesses nothing', async () => {
    await expect(
      writerOf(scripted({ status: 400, body: error('UNKNOWN') })).deleteManifest(app, digest),
    ).rejects.toBeInstanceOf(RegistryAnswerError)
    await expect(writerOf(scripted({ status: 302 })).deleteManifest(app, digest)).rejects.toBeInstanceOf(
      RegistryAnswerError,
    )
  })
})

describe('untag', () => {
  it('sends nothing where it is not known what the registry would do', async () => {
    const http = scripted()
    expect(await writerOf(http, false).untag(app, v1)).toMatchObject({
      kind: 'refused',
      reason: 'unsupported',
    })
    expect(http.sent).toEqual([])
  })

  it('reads the answer of Distribution 2.8 to a tag as "cannot"', async () => {
    const answer = { status: 400, body: error('DIGEST_INVALID') }
    expect(await writerOf(scripted(answer)).untag(app, v1)).toMatchObject({
      kind: 'refused',
      reason: 'unsupported',
    })
  })
})

describe('putManifest', () => {
  const manifest = { digest, mediaType: ociManifestType, bytes }

  it('sends the bytes as they are, under their type, and checks the digest that comes back', async () => {
    const http = scripted({ status: 201, headers: { 'docker-content-digest': digest } })
    expect(await writerOf(http).putManifest(app, manifest, v1)).toEqual({ kind: 'done' })
    expect(http.sent[0]).toMatchObject({
      method: 'PUT',
      body: bytes,
      headers: { 'content-type': ociManifestType },
      scopes: ['repository:team/app:pull,push'],
    })
    expect(http.sent[0]?.url).toMatch(/manifests\/v1$/)
  })

  it('does not believe a registry that stored something else', async () => {
    const other = { status: 201, headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } }
    await expect(writerOf(scripted(other)).putManifest(app, manifest, undefined)).rejects.toBeInstanceOf(
      DigestMismatchError,
    )
  })

  it('asks for the digest when the answer does not tell it', async () => {
    const http = scripted({ status: 201 }, { status: 200, headers: { 'docker-content-digest': digest } })
    expect(await writerOf(http).putManifest(app, manifest, undefined)).toEqual({ kind: 'done' })
    await expect(
      writerOf(scripted({ status: 201 }, { status: 404 })).putManifest(app, manifest, undefined),
    ).rejects.toBeInstanceOf(DigestMismatchError)
  })

  it('names every blob that is missing', async () => {
    const [a, b] = ['a', 'b'].map((c) => `sha256:${c.repeat(64)}` as Digest)
    const errors = [
      { code: 'MANIFEST_BLOB_UNKNOWN', detail: a },
      { code: 'MANIFEST_BLOB_UNKNOWN', detail: { digest: b } },
    ]
    const outcome = await writerOf(scripted({ status: 400, body: JSON.stringify({ errors }) })).putManifest(
      app,
      manifest,
      v1,
    )
    expect(outcome).toMatchObject({
      kind: 'refused',
      reason: 'missing-blob',
      text: expect.stringContaining(`${a}, ${b}`) as string,
    })
  })
})

describe('probe', () => {
  it.each<{ readonly name: string; readonly answer: Answer; readonly probe: object }>([
    {
      name: 'Distribution 2.8 with deletion on',
      answer: { status: 400, body: error('DIGEST_INVALID') },
      probe: { deletes: { state: 'yes' }, deleteByTag: false },
    },
    {
      name: 'Distribution 3 with deletion on',
      answer: { status: 404, body: error('MANIFEST_UNKNOWN') },
      probe: { deletes: { state: 'yes' }, deleteByTag: true },
    },
    {
      name: 'deletion switched off',
      answer: { status: 405, body: error('UNSUPPORTED') },
      probe: {
        deletes: { state: 'no', cure: expect.stringContaining('storage.delete.enabled') as string },
        deleteByTag: undefined,
      },
    },
    { name: 'no right to delete', answer: { status: 403 }, probe: { deletes: { state: 'no' } } },
    {
      name: "someone else's 404 page",
      answer: { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>' },
      probe: { deletes: { state: 'unknown' }, deleteByTag: undefined },
    },
  ])('tells $name', async ({ answer, probe }) => {
    const http = scripted(answer)
    expect(await writerOf(http).probe(app)).toMatchObject(probe)
    expect(http.sent[0]?.url).toMatch(/manifests\/winnow-probe-[0-9a-f]{32}$/)
  })
})
