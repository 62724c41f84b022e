/** What Quay's API means when it does not do as asked. */
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import { ServerFailedError } from '../../http/http-errors.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { refused } from '../oci/refusals.ts'
import { errorType, saidByQuay, type QuayApi } from './quay-api.ts'

const scopeCure = 'The token of the API needs the scope repo:write, and its owner the right to write there'

/** @throws RegistryAnswerError, ProductMismatchError for an answer that is no refusal we know */
export function quayRefusal(api: QuayApi, what: string, response: HttpResponse): ChangeOutcome {
  const said = saidByQuay(response)
  if (errorType(response) === 'tag_immutable' || response.status === 409)
    return refused('protected', said === '' ? 'the tag is immutable' : said)
  if (response.status === 403) return refused('forbidden', `${scopeCure} (${said || 'status 403'}).`)
  throw api.unexpected(what, response)
}

/** 503 is what Quay answers for a repository that is mirrored or read-only; any other failure is thrown on. */
export function readOnlyRefusal(error: unknown): ChangeOutcome {
  if (!(error instanceof ServerFailedError) || error.status !== 503) throw error
  const said = error.response.text()
  if (!/read[ -]?only|mirror/i.test(said)) throw error
  return refused(
    'read-only',
    'The repository is in read-only or mirror mode in Quay; its settings there say which.',
  )
}
