/**
 * Which tags GitLab protects: by rules of the project. What a rule protects counts as locked, whoever may delete it all
 * the same. Without the right to read the rules nothing is locked; GitLab itself then refuses.
 */
import { RE2JS, RE2JSException } from 're2js'
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import { UnauthorizedError } from '../../http/http-errors.ts'
import type { HttpResponse } from '../../http/http-types.ts'
import { isRecord } from '../oci/answers.ts'
import { saidByProduct, type ProductApi } from '../product-api.ts'

export type IsLocked = (tag: string) => boolean

export type RulesAnswer =
  | { readonly kind: 'rules'; readonly isLocked: IsLocked; readonly count: number }
  /** They cannot be read with these credentials; why, for people. */
  | { readonly kind: 'hidden'; readonly why: string }

export class Protection {
  readonly #api: (options?: RunOptions) => Promise<ProductApi>
  readonly #rules = new Map<string, Promise<RulesAnswer>>()
  readonly #projects = new Map<RepositoryName, string>()

  constructor(api: (options?: RunOptions) => Promise<ProductApi>) {
    this.#api = api
  }

  /** The rules of the project that a repository belongs to. Each project is asked once a run. */
  async of(repository: RepositoryName, options?: RunOptions): Promise<RulesAnswer> {
    for (const project of this.#candidates(repository)) {
      const answer = await this.#remembered(project, options)
      if (answer === undefined) continue
      this.#projects.set(repository, project)
      return answer
    }
    return { kind: 'hidden', why: 'GitLab shows no project of that path to these credentials' }
  }

  /** A project may hold many repositories below its own path; that path has two parts at least. */
  #candidates(repository: RepositoryName): readonly string[] {
    const known = this.#projects.get(repository)
    if (known !== undefined) return [known]
    const parts = repository.split('/')
    return parts.slice(1).map((_, i) => parts.slice(0, parts.length - i).join('/'))
  }

  /** Undefined when there is no such project. */
  async #remembered(project: string, options: RunOptions | undefined): Promise<RulesAnswer | undefined> {
    const asking = this.#rules.get(project)
    if (asking !== undefined) return asking
    const answer = await this.#ask(project, options)
    if (answer !== undefined) this.#rules.set(project, Promise.resolve(answer))
    return answer
  }

  async #ask(project: string, options: RunOptions | undefined): Promise<RulesAnswer | undefined> {
    const api = await this.#api(options)
    const url = api.url(`/projects/${encodeURIComponent(project)}/registry/protection/tag/rules`)
    try {
      const response = await api.send(
        { method: 'GET', url, headers: { accept: 'application/json' } },
        options,
      )
      return rulesIn(api, project, response)
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error
      return { kind: 'hidden', why: error.message }
    }
  }
}

function rulesIn(api: ProductApi, project: string, response: HttpResponse): RulesAnswer | undefined {
  const said = saidByProduct(response)
  const what = `Reading the protection rules of ${project}`
  if (response.status === 404 && /project not found/i.test(said)) return undefined
  // GitLabs from before there were such rules do not know the route.
  if (response.status === 404 && isRecord(api.jsonOf(what, response)))
    return { kind: 'rules', isLocked: () => false, count: 0 }
  if (response.status === 401 || response.status === 403)
    return { kind: 'hidden', why: said || `status ${response.status}` }
  if (response.status !== 200) throw api.unexpected(what, response)
  const rows = api.jsonOf(what, response)
  if (!Array.isArray(rows)) throw api.content(`the protection rules of ${project} are no list`)
  const locks = rows.map((row) => lockOf(row))
  return { kind: 'rules', isLocked: (tag) => locks.some((isLocked) => isLocked(tag)), count: locks.length }
}

/**
 * Rules without any level make tags immutable; those with a level for pushing alone say nothing of deletion. A pattern
 * counts wherever it is found in a tag, which can only lock too much.
 */
function lockOf(row: unknown): IsLocked {
  const fields = isRecord(row) ? row : {}
  const push = fields['minimum_access_level_for_push'] ?? undefined
  const deletion = fields['minimum_access_level_for_delete'] ?? undefined
  if (push !== undefined && deletion === undefined) return () => false
  const pattern = fields['tag_name_pattern']
  // What cannot be understood may protect anything.
  if (typeof pattern !== 'string') return () => true
  try {
    const compiled = RE2JS.compile(pattern)
    return (tag) => compiled.matcher(tag).find()
  } catch (error) {
    if (error instanceof RE2JSException) return () => true
    throw error
  }
}
