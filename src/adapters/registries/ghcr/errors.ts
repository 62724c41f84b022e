/** What can go wrong with GitHub's API, beyond what can go wrong with any registry. */
import { OperationalError } from '../../../core/errors/errors.ts'

/** GitHub thinks that we ask too much at once, after it was waited for. */
export class SecondaryLimitError extends OperationalError {
  readonly code = 'SECONDARY_RATE_LIMIT'
  readonly hint =
    'Run the command again in a few minutes, with a lower `concurrency` for this registry, and see that nothing else uses the same token meanwhile.'

  constructor(registry: string, said: string) {
    super(`${registry}: GitHub limits our requests (${said}).`)
  }
}

/** The list of a package's versions was never the same twice. */
export class VersionsUnsettledError extends OperationalError {
  readonly code = 'VERSIONS_UNSETTLED'
  readonly hint = 'Run the command again when nothing else deletes versions of this package.'

  constructor(registry: string, repository: string) {
    super(
      `${registry}: versions of ${repository} were deleted while they were listed, each time anew, so the list may not be whole.`,
    )
  }
}

/** A tag was moved to a throw-away manifest, and GitHub does not list it. */
export class ThrowAwayLeftError extends OperationalError {
  readonly code = 'THROW_AWAY_LEFT'
  readonly hint =
    'Nothing is lost: the image has its other tags, Winnow takes the tag for removed, and the next run that changes this repository deletes the throw-away.'

  constructor(registry: string, reference: string, digest: string) {
    super(
      `${registry}: ${reference} points to the throw-away manifest ${digest} now, which GitHub did not list in time to be deleted.`,
    )
  }
}
