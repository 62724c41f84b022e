/** What GitHub means when it does not delete or restore a version. It has no codes for it, so its words are read. */
import type { ChangeOutcome } from '../../../ports/mutable-registry.ts'
import { refused } from '../oci/refusals.ts'
import type { Absence } from './absence.ts'
import { saidBy, type ApiAnswer } from './github-api.ts'

/** The refusal that an answer is; undefined when it is none we know. */
export function apiRefusal({ status, body }: ApiAnswer): ChangeOutcome | undefined {
  const said = saidBy(body)
  if (status === 403) return refused('forbidden', `${rightsCure} (${said || 'status 403'})`)
  if (status !== 400) return undefined
  if (/last (tagged )?version/i.test(said))
    return refused(
      'protected',
      `GitHub does not delete the last version of a package that has a tag (${said}) Keep one image, or delete the package itself at GitHub, which also deletes its settings.`,
    )
  if (/5[,.]?000 downloads/i.test(said))
    return refused(
      'protected',
      `GitHub does not delete versions of public packages with more than 5000 downloads (${said}) Making the package private first may lift that.`,
    )
  return undefined
}

/** GitHub says "not found" to whoever may see a version and not delete it, or may no longer see it. */
export function hiddenRefusal(said: string, absence: Exclude<Absence, 'gone'>): ChangeOutcome {
  const seen =
    absence === 'listed'
      ? 'and the version is still there'
      : 'and GitHub no longer shows the package it listed'
  return refused('forbidden', `${rightsCure} (${said || 'status 404'}, ${seen})`)
}

const rightsCure =
  'This token may not do that: it needs the scopes read:packages, write:packages and delete:packages, and the role Admin on the package. In a workflow, the package must give its repository the role Admin under "Manage Actions access".'
