/**
 * Names in ECR Public. People and clusters write `alias/team/app`; the API wants `team/app`, and always means the
 * repositories of the account that asks. So a name is turned into the API's only where AWS says that this very address
 * is the account's own: else somebody else's `alias/team/app` would be taken for ours.
 */
import type { RepositoryName } from '../../../core/image/names.ts'
import type { RunOptions } from '../../../ports/run-options.ts'
import type { AwsApi } from './api.ts'
import { readPages } from './pages.ts'
import { repositoryRow, rowsIn, unreadable, type RepositoryRow } from './rows.ts'

export class PublicNames {
  readonly #api: AwsApi
  /** The API's name by the one that people write. */
  readonly #known = new Map<string, string>()

  constructor(api: AwsApi) {
    this.#api = api
  }

  /** All repositories of the account, as people write them. */
  async list(options: RunOptions): Promise<readonly string[]> {
    const rows = await readPages(this.#api, 'DescribeRepositories', 'repositories', {}, options)
    return (rows ?? []).map((row) => this.#note(repositoryRow(this.#api.registry, row, this.#what)))
  }

  /** The API's name; undefined when the account has no such repository. */
  async apiName(repository: RepositoryName, options: RunOptions | undefined): Promise<string | undefined> {
    const known = this.#known.get(repository)
    if (known !== undefined) return known
    const name = repository.split('/').slice(1).join('/')
    if (name === '') return undefined
    const answer = await this.#api.call('DescribeRepositories', { repositoryNames: [name] }, options)
    if (answer.kind === 'absent') return undefined
    for (const row of rowsIn(this.#api.registry, answer.output, 'repositories', this.#what))
      this.#note(repositoryRow(this.#api.registry, row, this.#what))
    return this.#known.get(repository)
  }

  /** `public.ecr.aws/alias/team/app` is `alias/team/app`. */
  #note({ name, uri }: RepositoryRow): string {
    const path = uri.split('/').slice(1).join('/')
    if (!path.endsWith(`/${name}`))
      throw unreadable(this.#api.registry, this.#what, 'a repository has an address that is none')
    this.#known.set(path, name)
    return path
  }

  get #what(): string {
    return this.#api.action('DescribeRepositories')
  }
}
