/** What can be wrong with a storage as a whole, or with one file of it. */
import { OperationalError } from '../../../core/errors/errors.ts'

/** Something is there, and it is not what Distribution writes. */
export class StorageLayoutError extends OperationalError {
  readonly code = 'STORAGE_LAYOUT'
  override readonly category = 'configuration'
  readonly hint: string

  constructor(place: string, hint: string) {
    super(
      `The storage at ${place} is not laid out as CNCF Distribution does it: there is no docker/registry/v2 in it.`,
    )
    this.hint = hint
  }
}

/** Nothing is there, or half of it: that looks like a volume which is not mounted, so it is not taken for empty. */
export class StorageIncompleteError extends OperationalError {
  readonly code = 'STORAGE_INCOMPLETE'
  override readonly category = 'incomplete'
  readonly hint =
    'Mount the volume or correct the path in winnow.yaml. A registry that never held an image has nothing for Winnow to do.'

  constructor(place: string, what: string) {
    super(`The storage at ${place} is not whole: ${what}. Nothing was read, because missing is not empty.`)
  }
}

/** A file whose content is not what its name promises. */
export class StorageCorruptError extends OperationalError {
  readonly code = 'STORAGE_CORRUPT'
  override readonly category = 'incomplete'
  readonly hint =
    'Push the image again, or delete its manifest by hand if nobody needs it; nothing else of the repository goes until then.'

  constructor(key: string, what: string) {
    super(`The file ${key} is damaged or not written in full: ${what}.`)
  }
}
