/** What Docker Hub means when it does not delete. */
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { quotable, saidIn } from '../oci/answers.ts'
import { refused } from '../oci/refusals.ts'
import { saidByHub } from './hub-api.ts'

export const deleteCure =
  'Give Winnow a personal access token with read, write and delete, of somebody who administers the repository.'

/** To the removal of a tag by the API; undefined when it is none we know. */
export function tagRefusal(response: HttpResponse): ChangeOutcome | undefined {
  const said = quotable(saidByHub(response))
  if (/\bimmutab(?:le|ility)\b/i.test(said)) return refused('protected', said)
  if (response.status === 403) return refused('forbidden', `${said || 'Status 403'}. ${deleteCure}`)
  if (response.status === 409 || response.status === 423)
    return refused('protected', said || `Docker Hub answered ${response.status}.`)
  return response.status === 405
    ? refused('unsupported', said || 'Docker Hub has no such call (405).')
    : undefined
}

/**
 * To the deletion of a manifest. 403 is said of what a tag or another image still refers to, and of a want of rights; the
 * latter by the words that the registry has for it.
 */
export function manifestRefusal(response: HttpResponse): ChangeOutcome | undefined {
  const said = saidIn(response)
  if (response.status === 405) return refused('unsupported', said || 'Docker Hub deletes by digest only.')
  if (response.status !== 403) return undefined
  const lacksRight = /\b(?:scope|permission|requested access|access denied|not authorized)\b/i.test(said)
  return lacksRight
    ? refused('forbidden', `${said}. ${deleteCure}`)
    : refused('referenced', said || 'A tag or another image still refers to it.')
}
