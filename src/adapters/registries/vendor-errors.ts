/** What can go wrong with the product's own API beside a registry, whichever product it is. */
import { OperationalError } from '../../core/errors/errors.ts'

/** What answers is not the product that `kind` names, so nothing may be concluded from it. */
export class WrongKindError extends OperationalError {
  readonly code = 'REGISTRY_KIND'
  readonly hint: string
  override readonly category = 'configuration'

  /** @param why what was asked and what came, as the end of a sentence: `GET … was answered with 404` */
  constructor(registry: string, product: string, why: string, options?: { readonly cause?: unknown }) {
    super(`${registry} does not look like ${product}: ${why}.`, options)
    this.hint = `Set kind: to what it is (auto finds out), or api: {url: …} where the API of ${product} has another address.`
  }
}

/** Several readings of one list each missed rows, because things came and went meanwhile. */
export class ListUnsettledError extends OperationalError {
  readonly code = 'LIST_UNSETTLED'
  readonly hint = 'Run the command again when less is pushed and deleted there.'

  constructor(registry: string, what: string, rows: number, total: number) {
    super(
      `${registry}: ${what} changed while it was read: ${rows} of ${total} rows came, also when asked again.`,
    )
  }
}
