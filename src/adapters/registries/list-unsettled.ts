/** A list of a product's own API that did not hold still. */
import { OperationalError } from '../../core/errors/errors.ts'

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
