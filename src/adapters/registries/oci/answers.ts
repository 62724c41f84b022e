/**
 * Reading what registries say when they do not give the thing asked for (distribution-spec, "Error Codes").
 *
 * A 4xx body may be anything; whatever is quoted from one is cut, stripped of control characters and redacted.
 */
import type { HttpResponse } from '../../http/http-types.ts'
import { Redactor } from '../../http/redact.ts'

const SAID_LENGTH_MAX = 200

export interface AnsweredError {
  readonly code: string
  readonly message: string
  /** A text as it came, else as JSON. */
  readonly detail: string
}

/** The `errors[]` of the body, empty when it has none. */
export function answeredErrors(response: HttpResponse): readonly AnsweredError[] {
  const body = parsedBody(response)
  const errors = isRecord(body) ? body['errors'] : undefined
  return Array.isArray(errors) ? errors.filter(isRecord).map(asAnswered) : []
}

/** What the answer says, short enough for a message: `MANIFEST_UNKNOWN: manifest unknown`. */
export function saidIn(response: HttpResponse): string {
  const errors = answeredErrors(response)
  const said =
    errors.length > 0
      ? errors.map(({ code, message }) => `${code}: ${message}`).join('; ')
      : plainText(response)
  return quotable(said)
}

export function hasCode(response: HttpResponse, ...codes: readonly string[]): boolean {
  return answeredErrors(response).some(({ code }) => codes.includes(code))
}

const absentCodes = [
  'MANIFEST_UNKNOWN',
  'NAME_UNKNOWN',
  'BLOB_UNKNOWN',
  'TAG_UNKNOWN',
  'NOT_FOUND',
  'REPOSITORY_NOT_FOUND',
]

/**
 * Whether the registry itself says "not there". A 404 page of a proxy or of some other server does not count: taking
 * one for an absence would make an image look gone that is not.
 */
export function saysAbsent(response: HttpResponse): boolean {
  if (response.status !== 404) return false
  return response.body.length === 0 || hasCode(response, ...absentCodes)
}

export function contentType(response: HttpResponse): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

export function quotable(text: string): string {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()
  return new Redactor().text(plain.slice(0, SAID_LENGTH_MAX))
}

function plainText(response: HttpResponse): string {
  return contentType(response) === 'text/plain' ? response.text() : ''
}

/** The body of an answer as JSON, undefined when it is none: for answers whose status has said what there is to know. */
export function parsedBody(response: HttpResponse): unknown {
  try {
    return response.json()
  } catch {
    // The status alone says that the request failed; the body would only have explained it.
    return undefined
  }
}

function asAnswered({ code, message, detail }: Readonly<Record<string, unknown>>): AnsweredError {
  return {
    code: typeof code === 'string' ? code : 'UNKNOWN',
    message: typeof message === 'string' ? message : '',
    detail: typeof detail === 'string' ? detail : (JSON.stringify(detail) ?? ''),
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
