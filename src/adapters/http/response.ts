/** An answer as drivers see it. */
import { UnreadableResponseError } from './http-errors.ts'
import type { HttpResponse } from './http-types.ts'
import type { RawAnswer } from './transport.ts'

const decoder = new TextDecoder('utf-8')

/** @param shownUrl gives the redacted URL, for error texts */
export function makeResponse(
  answer: RawAnswer,
  url: string,
  shownUrl: () => string,
  attempts: number,
): HttpResponse {
  const text = () => decoder.decode(answer.body)
  return {
    ...answer,
    url,
    attempts,
    text,
    json: () => {
      try {
        return JSON.parse(text()) as unknown
      } catch {
        // The parser's own message quotes the body, which may hold anything.
        throw new UnreadableResponseError(shownUrl(), answer.status, 'it is not JSON')
      }
    },
  }
}
