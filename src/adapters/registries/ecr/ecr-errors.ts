/** What can go wrong with AWS that cannot go wrong elsewhere. */
import { OperationalError } from '../../../core/errors/errors.ts'

/** IAM says no. */
export class AwsAccessDeniedError extends OperationalError {
  readonly code = 'AWS_ACCESS_DENIED'
  readonly hint: string
  /** `ecr:DescribeImages`. */
  readonly action: string

  /** @param said what AWS says of it, redacted */
  constructor(registry: string, action: string, where: string, said: string) {
    super(`${registry}: AWS does not allow ${action}${where}${said === '' ? '' : ` (${said})`}.`)
    this.action = action
    this.hint = `Allow this action in the IAM policy of the identity that Winnow uses, or in the policy of the repository where that belongs to another account; docs/registries/ecr.md has the whole list.\n${action}`
  }
}

/** Nothing says in which region the registry is. */
export class AwsRegionUnknownError extends OperationalError {
  readonly code = 'AWS_REGION_UNKNOWN'
  override readonly category = 'configuration'
  readonly hint =
    'Use the full address as url: (https://ACCOUNT.dkr.ecr.REGION.amazonaws.com), or set aws: {region: …} for this registry, or AWS_REGION.'

  constructor(registry: string) {
    super(`${registry}: no AWS region is known, so Winnow cannot tell where its API is.`)
  }
}

/** A tag came to point elsewhere in the moment it was removed, and what it pointed to then went with its only name. */
export class EcrTagMovedError extends OperationalError {
  readonly code = 'ECR_TAG_MOVED'
  readonly hint: string

  constructor(registry: string, repository: string, tag: string, digest: string) {
    super(
      `${registry}: while the tag ${tag} of ${repository} was removed, somebody pushed ${digest} under it. ECR deletes an image with its last tag, so that one is gone.`,
    )
    this.hint = `Push ${repository}:${tag} again now, from where it was just pushed.`
  }
}

/** ECR deleted an image with its last tag, although it had others when Winnow looked, and does not take it back. */
export class EcrImageLostError extends OperationalError {
  readonly code = 'ECR_IMAGE_LOST'
  readonly hint =
    'Its manifest is in the journal: push its layers again from where they are, then undo the run (winnow history shows it).'

  constructor(registry: string, repository: string, digest: string, why: string) {
    super(
      `${registry}: somebody removed the other tags of ${repository}@${digest} while Winnow removed one, so ECR deleted the image, and it could not be put back (${why}).`,
    )
  }
}
